"""What a method of the bandit task must offer, and what it is told in return.

A method plays several *streams* at once: one per trial and level of label noise. Streams never
touch: each has its own rows, weights and random draws, and what it does must not depend on which
others are played beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from tasks.bandit.regression_loss import RegressionLoss
from tasks.randomness import generator

Floats = npt.NDArray[np.floating[Any]]
Index = npt.NDArray[np.intp]

#: Gives the seed of a source of randomness, such as ``"init"``: see ``RunContext.seed``.
SeedOf = Callable[[str], int]


@dataclass(frozen=True)
class Problem:
    """What a method knows before the first round.

    ``arms``          number of arms
    ``dimension``     length of a context vector x; the encoding of arm a is x in block a of K
    ``rounds``        number of rounds
    ``hidden_width``  hidden units of every network, even
    ``replay_steps``  steps of a method that trains on its history, each time that it does
    ``seeds``         one per stream
    """

    arms: int
    dimension: int
    rounds: int
    hidden_width: int
    replay_steps: int
    seeds: tuple[SeedOf, ...]

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what gives seeds, which hangs on a running trial: a checkpoint needs none."""
        return self.__dict__ | {"seeds": (None,) * len(self.seeds)}

    @property
    def streams(self) -> int:
        """Number of streams."""
        return len(self.seeds)

    def generators(self, axis: str) -> list[np.random.RandomState]:
        """Return a random generator for each stream, the same for every method."""
        return [generator(seed(axis)) for seed in self.seeds]

    def uniforms(self, axis: str, *shape: int) -> Floats:
        """Return numbers from (0, 1), of shape (rounds, streams, *shape)."""
        drawn = [source.random_sample((self.rounds, *shape)) for source in self.generators(axis)]
        return np.stack(drawn, axis=1)

    def normals(self, axis: str, *shape: int) -> Floats:
        """Return standard normal numbers, of shape (rounds, streams, *shape)."""
        sources = self.generators(axis)
        drawn = [source.standard_normal((self.rounds, *shape)) for source in sources]
        return np.stack(drawn, axis=1)


class Choice(NamedTuple):
    """The arm that each stream plays in a round.

    ``arms``        (streams,)
    ``prediction``  (streams,): the loss that regression predicts for that arm; ``None`` for a
                    method that predicts none
    """

    arms: Index
    prediction: Floats | None = None


@dataclass
class History:
    """What was played, a row per round.

    ``x``       (rounds, streams, dimension), float32; ``arms`` and ``losses``: (rounds, streams)
    """

    x: Floats
    arms: Index
    losses: Floats


class Learner(Protocol):
    """A method at play. ``loss`` is what its regression minimises, ``None`` without one."""

    loss: RegressionLoss | None

    def select(self, x: Floats) -> Choice:
        """Return the arm of each stream for its context, (streams, dimension)."""

    def update(self, x: Floats, arms: Index, losses: Floats) -> None:
        """Learn from the losses of the arms played, (streams,), 0 or 1."""

    def parameters(self) -> int:
        """Return the number of weights of one stream."""

    def diverged(self) -> npt.NDArray[np.bool_]:
        """Return which streams have weights that are no numbers any more, (streams,)."""

    def diagnose(self, history: History, rounds: int) -> dict[str, Floats]:
        """Return metrics of what was learnt, (streams,) each, from at most so many rounds."""


class BanditMethod(Protocol):
    """Hyper-parameters of a method; ``start`` makes the learner."""

    def start(self, problem: Problem) -> Learner:
        """Return a learner for all streams of ``problem``, before the first round."""


@dataclass
class PlainLearner:
    """What learners have in common: no regression, no weights, nothing to diagnose."""

    problem: Problem
    loss: RegressionLoss | None = field(default=None, init=False)

    def update(self, x: Floats, arms: Index, losses: Floats) -> None:
        """Learn nothing."""

    def parameters(self) -> int:
        """Return 0."""
        return 0

    def diverged(self) -> npt.NDArray[np.bool_]:
        """Return that no stream has."""
        return np.zeros(self.problem.streams, dtype=bool)

    def diagnose(self, history: History, rounds: int) -> dict[str, Floats]:  # noqa: ARG002
        """Return nothing."""
        return {}
