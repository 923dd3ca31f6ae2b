"""Watching trials until each has an outcome: start workers, look at the store, tell the user."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

from repro.attempts import read_attempts
from repro.launch.launcher import Launcher
from repro.plan import Plan
from repro.store import TrialRecord
from repro.trial import Trial

_POLL_SECONDS = 0.25
#: How often workers are started anew on what is left, after some of them died.
_ROUNDS = 3


class Display(Protocol):
    """Shows the user how far the trials are."""

    def update(self, finished: Sequence[TrialRecord], unfinished: Sequence[TrialRecord]) -> None:
        """Show the present state of all the trials that this call waits for."""


def run_to_the_end(
    plan: Plan, to_run: Sequence[Trial], running: Sequence[Trial], launcher: Launcher, show: Display
) -> None:
    """Run ``to_run``, and wait for ``running``, which another call started.

    Returns when every trial has an outcome or no worker is left that could give it one. Ctrl-C ends
    the workers and comes back as ``KeyboardInterrupt``.
    """
    watch = _Watch(plan, [*to_run, *running], show)
    try:
        for _ in range(_ROUNDS):
            waiting = [trial for trial in to_run if watch.is_untouched(trial)]
            if not waiting and not watch.someone_runs():
                return
            if waiting:
                launcher.start([plan.folder(trial) for trial in waiting])
            watch.until_idle(launcher)
            if not watch.unfinished:
                return
    except KeyboardInterrupt:
        launcher.stop()
        raise


class _Watch:
    """The trials that are waited for, and which of them have ended since the watch began."""

    def __init__(self, plan: Plan, trials: Sequence[Trial], show: Display) -> None:
        self._plan = plan
        self._show = show
        self._before = {trial.trial_id: self._stamp(trial) for trial in trials}
        self._attempts_before = {trial.trial_id: self._attempts(trial) for trial in trials}
        self.unfinished = {trial.trial_id: trial for trial in trials}
        self._finished: list[TrialRecord] = []

    def is_untouched(self, trial: Trial) -> bool:
        """Say whether no worker has begun the trial: one that died in it is not begun again."""
        if trial.trial_id not in self.unfinished:
            return False
        return self._attempts(trial) == self._attempts_before[trial.trial_id]

    def _attempts(self, trial: Trial) -> int:
        return len(read_attempts(self._plan.folder(trial).attempts))

    def someone_runs(self) -> bool:
        return any(record.state == "running" for record in self._look())

    def until_idle(self, launcher: Launcher) -> None:
        """Look and show until all trials have ended, or neither worker nor trial is alive."""
        while True:
            idle = not launcher.alive()
            records = self._look()
            self._show.update(self._finished, records)
            if not self.unfinished:
                return
            if idle and not any(record.state == "running" for record in records):
                return
            time.sleep(_POLL_SECONDS)

    def _look(self) -> list[TrialRecord]:
        """Move the trials that have ended to the finished ones; return the records of the rest."""
        for trial in list(self.unfinished.values()):
            if self._stamp(trial) not in (None, self._before[trial.trial_id]):
                self._finished.append(self._plan.record(trial))
                del self.unfinished[trial.trial_id]
        started = [t for t in self.unfinished.values() if self._plan.folder(t).claim.exists()]
        return [self._plan.record(trial) for trial in started]

    def _stamp(self, trial: Trial) -> tuple[str, int] | None:
        """Return which outcome file a trial has and of when: a rerun's outcome is a new one."""
        folder = self._plan.folder(trial)
        for path in (folder.result, folder.error):
            try:
                return path.name, path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
        return None
