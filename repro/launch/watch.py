"""Watching trials until each has an outcome: the one state machine behind every launcher.

A trial that has no outcome yet is running (its heartbeat says so), on the list of a living worker,
or with nobody. The last goes on to a worker, as far as :mod:`repro.execution.retry` lets it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from repro.execution.failure import end_attempt
from repro.execution.retry import kind_of
from repro.files import check_writable
from repro.launch.launcher import Launcher, Order
from repro.planning.estimate import Estimate
from repro.planning.plan import Plan
from repro.trials.attempts import LOST, read_attempts
from repro.trials.lock import is_doubtful, void_if_silent
from repro.trials.store import TrialFolder, TrialRecord
from repro.trials.trial import Trial

#: A look at thousands of trials takes time that the workers want: it rests so many times as long,
#: but never longer than so many seconds, unless the launcher itself looks more seldom.
_REST, _LONGEST_REST = 20.0, 5.0
#: How often a trial is put on a worker's list without being begun, before that is said.
_ORDERS = 3


@dataclass(frozen=True)
class Troubles:
    """What kept trials from an outcome, other than themselves, as lines for the user.

    ``cancelled``  the user ended some of them
    """

    lines: tuple[str, ...]
    cancelled: bool


class Display(Protocol):
    """Shows the user how far the trials are."""

    def update(self, finished: Sequence[TrialRecord], unfinished: Sequence[TrialRecord]) -> None:
        """Show the present state of all the trials that this call waits for."""


def run_to_the_end(
    plan: Plan, trials: Sequence[Trial], launcher: Launcher, show: Display, estimate: Estimate
) -> Troubles:
    """Run ``trials``, those too that another call began; return what the user must be told.

    Returns when every trial has an outcome or nobody is left that could give it one. A disk that
    cannot be written: ``UserError``. Ctrl-C comes through as ``KeyboardInterrupt``.
    """
    watch = _Watch(plan, trials, launcher, show, estimate)
    began = time.monotonic()
    while watch.goes_on():
        time.sleep(rest_after(time.monotonic() - began, launcher.poll_seconds))
        began = time.monotonic()
    return watch.troubles()


def rest_after(look_seconds: float, poll_seconds: float) -> float:
    """Return how long to wait for the next look, after one that took ``look_seconds``."""
    return max(poll_seconds, min(_REST * look_seconds, _LONGEST_REST))


class _Watch:
    """The trials that are waited for, and what became of them since the watch began."""

    def __init__(
        self,
        plan: Plan,
        trials: Sequence[Trial],
        launcher: Launcher,
        show: Display,
        estimate: Estimate,
    ) -> None:
        self._plan = plan
        self._launcher = launcher
        self._show = show
        self._estimate = estimate
        self._before = {trial.trial_id: self._outdated_stamp(trial) for trial in trials}
        self._trials = {trial.trial_id: trial for trial in trials}
        self._unfinished = dict(self._trials)
        self._finished: list[TrialRecord] = []
        self._orders: Counter[str] = Counter()
        #: By trial: the trials of its last order, and how often each had begun before.
        self._last_order: dict[str, dict[str, int]] = {}
        self._never_begun: set[str] = set()
        self._cancelled: set[str] = set()
        self._cancelled_before: set[str] | None = None

    def goes_on(self) -> bool:
        """Look, show, and give workers what nobody has; say whether anything may still come."""
        # Asked before the look at the store: what ends in between is seen to end the next time.
        held = self._launcher.held()
        records = self._look()
        self._show.update(self._finished, records)
        if not self._unfinished or held is None:
            return bool(self._unfinished)
        running = {record.trial.trial_id for record in records if record.state == "running"}
        for record in records:
            if record.state == "running" and record.trial.trial_id not in held:
                self._void_if_ended(record.folder)
        self._launcher.reinforce((held & self._unfinished.keys()) - running)
        self._never_begun &= self._unfinished.keys() - held - running
        self._note_cancelled(held)
        free = [
            trial
            for name, trial in self._unfinished.items()
            if name not in held | running | self._cancelled | self._never_begun
        ]
        return self._begin(free) or bool((held | running) & self._unfinished.keys())

    def troubles(self) -> Troubles:
        """Say what kept trials from an outcome, other than themselves."""
        lines = []
        if self._cancelled:
            lines.append(f"{len(self._cancelled)} trials were cancelled.")
        if self._never_begun:
            said = self._last_words(min(self._never_begun))
            lines.append(f"{len(self._never_begun)} trials could not be begun{said}")
        return Troubles(tuple(lines), bool(self._cancelled))

    def _last_words(self, name: str) -> str:
        attempts = self._attempts(self._unfinished[name])
        words = str(attempts[-1]["reason"]) if attempts else self._launcher.last_words(name)
        return f": {words}" if words else "."

    def _begin(self, free: Sequence[Trial]) -> bool:
        """Hand the trials that may go on to the launcher; say whether there were any."""
        self._forgive(free)
        wanted = [trial for trial in self._may_go_on(free) if self._is_worth_an_order(trial)]
        if not wanted:
            # Those that may not have an error by now: the next look sees it.
            return bool(free)
        check_writable(self._plan.paths.trials)
        before = {trial.trial_id: self._times_begun(trial) for trial in wanted}
        taken = self._launcher.start(Order(self._plan, wanted, self._estimate))
        self._orders.update(taken)
        order = {name: before[name] for name in taken}
        for name in taken:
            self._last_order[name] = order
        return True

    def _forgive(self, free: Sequence[Trial]) -> None:
        """Count no order by which workers began anything: they did not come to the rest of it."""
        orders = [self._last_order.get(trial.trial_id, {}) for trial in free]
        begun = {key: self._was_begun(order) for key, order in {id(o): o for o in orders}.items()}
        for trial, order in zip(free, orders, strict=True):
            if begun[id(order)]:
                self._orders[trial.trial_id] = 0

    def _was_begun(self, order: dict[str, int]) -> bool:
        return any(self._times_begun(self._trials[name]) != n for name, n in order.items())

    def _may_go_on(self, free: Sequence[Trial]) -> list[Trial]:
        """Close what dead processes left open, and return the trials that the rule lets go on."""
        open_attempts: dict[str, dict[str, Any]] = {}
        for trial in free:
            attempts = self._attempts(trial)
            if attempts and attempts[-1]["end"] is None:
                open_attempts[trial.trial_id] = attempts[-1]
        reasons = self._launcher.reasons(open_attempts) if open_attempts else {}
        return [trial for trial in free if self._goes_on(trial, reasons.get(trial.trial_id))]

    def _goes_on(self, trial: Trial, reason: str | None) -> bool:
        folder = self._plan.folder(trial)
        if not folder.attempts.exists():
            return True
        return end_attempt(folder, reason or LOST)

    def _is_worth_an_order(self, trial: Trial) -> bool:
        """Count orders that were not even begun: a worker that cannot start must not go on so."""
        name = trial.trial_id
        if self._orders[name] >= _ORDERS:
            self._never_begun.add(name)
        return name not in self._never_begun

    def _void_if_ended(self, folder: TrialFolder) -> None:
        """Believe the queue where it says that the job of a silent trial has ended."""
        if not is_doubtful(folder.claim, folder.heartbeat):
            return
        attempts = read_attempts(folder.attempts)
        if attempts and self._launcher.has_ended(str(attempts[-1]["job"])):
            void_if_silent(folder.claim, folder.heartbeat)

    def _note_cancelled(self, held: set[str]) -> None:
        """Note the trials that were cancelled during this watch; those before it run again.

        They stay so when the queue has forgotten the cancelled job, unless another one has them.
        """
        cancelled = self._launcher.given_up()
        if self._cancelled_before is None:
            self._cancelled_before = cancelled
        self._cancelled_before &= cancelled  # who has a job again may be cancelled again
        self._cancelled |= cancelled - self._cancelled_before
        self._cancelled &= self._unfinished.keys() - held

    def _times_begun(self, trial: Trial) -> int:
        """Count the attempts that came as far as the trial's own code."""
        return sum(kind_of(str(one["reason"])) != "disk" for one in self._attempts(trial))

    def _attempts(self, trial: Trial) -> list[dict[str, Any]]:
        return read_attempts(self._plan.folder(trial).attempts)

    def _look(self) -> list[TrialRecord]:
        """Move the trials that have ended to the finished ones; return the records of the rest."""
        for trial in list(self._unfinished.values()):
            if self._stamp(trial) not in (None, self._before[trial.trial_id]):
                self._finished.append(self._plan.record(trial))
                del self._unfinished[trial.trial_id]
        started = [t for t in self._unfinished.values() if self._folder(t).claim.exists()]
        return [self._plan.record(trial) for trial in started]

    def _outdated_stamp(self, trial: Trial) -> tuple[str, int] | None:
        """Return the outcome that is to be replaced; one that has just come is none to replace."""
        stamp = self._stamp(trial)
        if stamp and self._plan.record(trial).state in ("done", "failed"):
            return None
        return stamp

    def _folder(self, trial: Trial) -> TrialFolder:
        return self._plan.folder(trial)

    def _stamp(self, trial: Trial) -> tuple[str, int] | None:
        """Return which outcome file a trial has and of when: a rerun's outcome is a new one."""
        folder = self._folder(trial)
        for path in (folder.error, folder.result):
            try:
                return path.name, path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
        return None
