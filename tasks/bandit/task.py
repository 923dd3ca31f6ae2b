"""The task: a classification table as a bandit, in which only the played arm's loss is seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from repro.context import RunContext
from repro.data import DataFile
from repro.errors import UserError
from tasks.bandit import data
from tasks.bandit.game import Played, play
from tasks.bandit.metrics import Regrets, game_metrics, tuning_metrics
from tasks.bandit.protocol import BanditMethod, Learner, Problem
from tasks.bandit.streams import Rows, Scaling, Streams, make_streams


@dataclass(frozen=True)
class Bandit:
    """A row is a context, a class is an arm; loss 0 for the row's class, 1 for every other.

    A method offers ``start(problem)``, which returns a learner with ``select`` and ``update`` (see
    :mod:`tasks.bandit.protocol`). Rows, noise, initial weights and random draws are the same for
    every method. Trials that differ in their seed alone are played together.

    ``rounds``         at most so many, in place of all rows that are not set aside for tuning
    ``hidden_width``   units of every network
    ``replay_steps``   steps of a method that trains on its history, each time that it does
    ``rows``           ``tuning`` plays the rows that no table plays: for pilots and tuning
    ``scaling``        ``rows`` divides raw rows by their length, as the earlier bandits' code does;
                       by default columns are standardised first
    ``diagnosed_rounds``  rounds from which the curvature of the loss is measured; 0: not measured

    Metrics: ``regret`` (wrong arms), ``regret_after@s`` and ``regression_regret@s`` (after the
    share s of the rounds), ``diverged``, ``microseconds_per_round`` (processor time of one stream's
    round, as the streams are played together), and ``smallest_curvature`` of methods that have it.
    On a set of several levels of noise, ``pseudo_regret@q`` (against the best policy, in
    expectation, with the share q of labels replaced), ``diverged`` and the time; with ``rows:
    tuning``, ``tuning_regret`` alone. Regrets are sums over rounds, without unit; regression regret
    is in the unit of the method's loss (½ squared error, or nats). A trial that diverges has
    ``nan`` for all but ``diverged`` and the time.
    """

    rounds: int | None = None
    hidden_width: int = 32
    replay_steps: int = 200
    rows: Rows = "table"
    scaling: Scaling = "columns_and_rows"
    diagnosed_rounds: int = 0

    def __post_init__(self) -> None:
        if self.rounds is not None and self.rounds < 1:
            raise UserError(f"tasks.bandit.Bandit: rounds is {self.rounds}; it must be above 0")
        if self.hidden_width < 2 or self.hidden_width % 2:
            raise UserError(
                f"tasks.bandit.Bandit: hidden_width is {self.hidden_width}; half of the units are "
                f"copies of the other half, so it must be even and above 0"
            )
        if self.replay_steps < 1 or self.diagnosed_rounds < 0:
            raise UserError("tasks.bandit.Bandit: replay_steps must be above 0, diagnosed_rounds 0")
        _require_one_of("rows", self.rows, get_args(Rows))
        _require_one_of("scaling", self.scaling, get_args(Scaling))

    @staticmethod
    def known_datasets() -> tuple[str, ...]:
        """Return the names of the data sets; ``file:<path>`` stands for a user's own."""
        return data.known_datasets()

    @staticmethod
    def check_dataset(dataset: str) -> None:
        """Raise ``UserError`` where a name is unknown or a user's file cannot be used."""
        data.check_dataset(dataset)

    @staticmethod
    def data_files(dataset: str) -> tuple[DataFile, ...]:
        """Return the files that ``dataset`` needs; none for bundled sets."""
        return data.data_files(dataset)

    def run(self, method: BanditMethod, context: RunContext) -> dict[str, float]:
        """Play ``method`` on ``context.dataset`` and return its metrics."""
        return self.run_batch(method, [context])[0]

    def run_batch(
        self, method: BanditMethod, contexts: Sequence[RunContext]
    ) -> list[dict[str, float]]:
        """Play trials that differ in their seed alone, together; return the metrics of each.

        But for the time, they equal those of :meth:`run` to the last digit.
        """
        streams = self._streams(contexts)
        per_trial = streams.order.shape[1] // len(contexts)
        learner = method.start(self._problem(streams, contexts, per_trial))
        learner, played = play(learner, streams, contexts)
        regrets = Regrets.of(streams, played, learner.loss)
        results = self._results(learner, streams, played, regrets, per_trial)
        for place, context in enumerate(contexts):
            context.record(parameters=learner.parameters(), samples_seen=streams.rounds)
            for done, point in regrets.curve(place * per_trial):
                context.log(done, **point)
        return results

    def _streams(self, contexts: Sequence[RunContext]) -> Streams:
        table, identity = data.load_table(contexts[0].dataset, contexts)
        return make_streams(table, identity, contexts, self.rows, self.rounds, self.scaling)

    def _problem(self, streams: Streams, contexts: Sequence[RunContext], per_trial: int) -> Problem:
        return Problem(
            arms=streams.arms,
            dimension=streams.x.shape[1],
            rounds=streams.rounds,
            hidden_width=self.hidden_width,
            replay_steps=self.replay_steps,
            seeds=tuple(context.seed for context in contexts for _ in range(per_trial)),
        )

    def _results(
        self,
        learner: Learner,
        streams: Streams,
        played: Played,
        regrets: Regrets,
        per_trial: int,
    ) -> list[dict[str, float]]:
        count = streams.order.shape[1]
        parts = [slice(first, first + per_trial) for first in range(0, count, per_trial)]
        diverged = learner.diverged()
        if self.rows == "tuning":
            return [tuning_metrics(regrets, diverged, part) for part in parts]
        diagnosed = {}
        if self.diagnosed_rounds and per_trial == 1:
            diagnosed = learner.diagnose(played.history(streams), self.diagnosed_rounds)
        timing = {"microseconds_per_round": played.microseconds_per_round}
        return [
            game_metrics(regrets, streams, diverged, diagnosed, part) | timing for part in parts
        ]


def _require_one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise UserError(
            f"tasks.bandit.Bandit: {name} is {value!r}; it must be one of {', '.join(known)}"
        )
