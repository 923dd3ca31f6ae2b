"""A worker: takes trials from a list, one after the other, each in a process of its own.

It imports what the trials need once and forks for each CPU trial, so that a crash costs one trial
and peak memory is the trial's own. A GPU trial gets a fresh process: CUDA does not survive a fork.
Several workers may have the same list: a trial's claim decides who runs it. What did not end goes
round again, as far as :mod:`repro.execution.retry` lets it.
"""

from __future__ import annotations

import contextlib
import importlib
import math
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from repro.errors import Interrupted, UserError
from repro.execution.failure import end_attempt
from repro.execution.single import RunOrder, load_code
from repro.execution.together import MOST_TOGETHER, run_together, setting_key
from repro.files import check_writable
from repro.launch.artifacts import start_building
from repro.launch.child import ChildOrder, Ending, ending_of, fork, spawn
from repro.launch.job import PresentJob
from repro.launch.memory import kills_for_memory
from repro.launch.stopping import hold_signals, release_signals, stops_on
from repro.launch.worklist import WorkList
from repro.trials import provenance
from repro.trials.attempts import LOST, amend_attempt, read_attempts
from repro.trials.heartbeat import Heartbeat
from repro.trials.lock import is_doubtful, void_if_silent
from repro.trials.store import TrialFolder, load_trial

#: How often one worker begins one trial: whatever goes wrong, its list comes to an end.
_ROUNDS = 8
_DISK_ROUNDS = 2
_POLL_SECONDS = 0.1
#: The share of a job's time that is nothing: to find that trials have ended before takes as much.
_LATE_SHARE = 0.1


def work(list_path: str, beat_path: str) -> None:
    """Run the trials of a list that nobody else has run or is running: the launchers' payload.

    A disk that cannot be written: ``UserError``, once, in place of an error per trial.
    """
    work_list = WorkList.read(Path(list_path))
    os.environ.update(work_list.environment)
    # No heartbeat thread here: a fork must not copy a thread's locks.
    heartbeat = Heartbeat(Path(beat_path))
    job = PresentJob.of_environment(Path(list_path)) if work_list.in_job else None
    signals = (signal.SIGTERM, signal.SIGUSR2) if job else (signal.SIGTERM,)
    with stops_on(*signals) as came:
        worker = _Worker(work_list, heartbeat, job, came)
        try:
            worker.run()
        except Interrupted:
            worker.leave()
    heartbeat.stop()


class _Worker:
    """One pass over the list after another, until nothing is left that this worker could do."""

    def __init__(
        self,
        work_list: WorkList,
        heartbeat: Heartbeat,
        job: PresentJob | None,
        came: list[signal.Signals],
    ) -> None:
        self._list = work_list
        self._heartbeat = heartbeat
        self._job = job
        self._came = came
        self._left = [TrialFolder(path) for path in work_list.folders]
        self._begun: Counter[Path] = Counter()
        self._kills = kills_for_memory()
        self._turns: list[float] = []
        self._unreaped: int | None = None

    def run(self) -> None:
        self._heartbeat.beat()
        for builder, settings in self._list.artifacts:
            self._build(builder, settings)
        if self._list.isolation == "fork":
            _preload(self._left)
        while self._left:
            for batch in self._batches():
                self._heartbeat.beat()
                ending = self._run_one(batch)
                for folder in batch:
                    if not self._goes_on(folder, ending):
                        self._left.remove(folder)
                self._reap()
            if self._left:
                time.sleep(_POLL_SECONDS)

    def _build(self, builder: str, settings: dict[str, Any]) -> None:
        """Build an artefact, which trials wait for; its failure is theirs, once they ask for it."""
        self._turns.append(time.monotonic())
        hold_signals()
        child = start_building(builder, settings, Path(self._list.artifact_root))
        try:
            release_signals()
            os.waitpid(child, 0)
        except Interrupted:
            self._end(child)
            raise

    def leave(self) -> None:
        """End after a signal; in a job that is to go on, put it back into the queue.

        An artefact has no checkpoints: one that had a job for itself would go on so for ever.
        """
        if self._job is None or not (self._left or self._list.artifacts):
            return
        if self._list.artifacts and not self._is_late() and self._job.is_over(self._came[0]):
            print("an artefact takes longer than the time limit: raise time_minutes in the profile")
            return
        self._job.leave(self._came[0])

    def _is_late(self) -> bool:
        """Say whether something ran before what runs now: it has not had this job's whole time."""
        if not self._turns:
            return True
        before = self._turns[-1] - self._turns[0]
        return before > _LATE_SHARE * (time.monotonic() - self._turns[0])

    def _batches(self) -> Iterator[list[TrialFolder]]:
        """Yield what is left, trials together that may run so; alone what was begun before.

        A GPU's trials run alone: their worker imports none of their code.
        """
        fresh = [folder for folder in self._left if not self._begun[folder.path]]
        keys = {folder.path: self._key(folder) for folder in fresh}
        seen: set[Path] = set()
        for folder in list(self._left):
            if folder.path in seen:
                continue
            key = keys.get(folder.path, "")
            batch = [one for one in fresh if key and keys[one.path] == key and one.path not in seen]
            batch = batch[:MOST_TOGETHER] or [folder]
            seen |= {one.path for one in batch}
            yield batch

    def _key(self, folder: TrialFolder) -> str:
        return "" if self._list.isolation == "process" else setting_key(folder)

    def _run_one(self, batch: Sequence[TrialFolder]) -> Ending:
        replaced = [self._list.replaced.get(folder.path.name, "") for folder in batch]
        if self._list.isolation == "none":
            outcomes = run_together(batch, [RunOrder(replaced=when) for when in replaced])
            if "interrupted" in outcomes:
                raise KeyboardInterrupt
            open_ones = [outcome for outcome in outcomes if outcome in ("again", "claimed")]
            return Ending(open_ones[0] if open_ones else "ended")
        gently = self._job is not None
        orders = [
            ChildOrder(str(folder.path), when, self._earlier(folder), gently)
            for folder, when in zip(batch, replaced, strict=True)
        ]
        order = replace(orders[0], together=tuple(orders[1:]))
        self._turns.append(time.monotonic())
        hold_signals()
        child = fork(order) if self._list.isolation == "fork" else spawn(order)
        return self._wait(child, batch)

    def _goes_on(self, folder: TrialFolder, ending: Ending) -> bool:
        """Say whether the trial is to be begun again here, once its turn comes."""
        if ending.outcome == "claimed":
            # The dead of another host look alive for a while; a trial that truly runs is left.
            if self._is_of_this_job(folder):
                void_if_silent(folder.claim, folder.heartbeat)
            return is_doubtful(folder.claim, folder.heartbeat) or not folder.claim.exists()
        self._begun[folder.path] += 1
        if ending.outcome == "disk":
            check_writable(folder.path)  # where that fails, no other trial could run either
            end_attempt(folder, "disk: a file could not be written")
            return self._begun[folder.path] < _DISK_ROUNDS
        if self._begun[folder.path] >= _ROUNDS:
            return False
        if ending.outcome == "killed":
            return end_attempt(folder, self._reason_of_death(ending))
        return ending.outcome == "again"

    def _reason_of_death(self, ending: Ending) -> str:
        kills, self._kills = self._kills, kills_for_memory()
        if self._kills > kills:
            had = f": its job has {self._list.memory_gb:g} GB" if self._list.memory_gb else ""
            return f"out of memory: killed by the kernel{had}"
        return f"killed by {ending.killed_by}"

    def _wait(self, child: int, batch: Sequence[TrialFolder]) -> Ending:
        """Wait for a trial's process. At a signal, let it come to an end, and say why it did.

        It is not reaped yet: until then no other worker takes the trial, not knowing of its end.
        """
        try:
            release_signals()
            ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
            assert ended is not None  # as it would be with WNOHANG alone
            self._unreaped = child
            return ending_of(ended)
        except Interrupted:
            late = self._is_late()
            reason = self._end(child)
            for folder in batch if reason else ():
                _note_stop(folder, child, reason, late=late)
            raise

    def _reap(self) -> None:
        if self._unreaped is not None:
            os.waitpid(self._unreaped, 0)
            self._unreaped = None

    def _end(self, child: int) -> str:
        """Let a process come to an end, in a job not for ever; return why, where that is known."""
        _send(child, signal.SIGTERM)
        reason = self._job.reason(self._came[0]) if self._job else ""
        if not _ends_until(child, self._job.deadline() if self._job else math.inf):
            _send(child, signal.SIGKILL)
            _ends_until(child, math.inf)
        return reason

    def _earlier(self, folder: TrialFolder) -> str:
        """Return why the trial's open attempt ended, where an earlier start of this job made it."""
        return self._job.earlier if self._job and self._is_of_this_job(folder) else LOST

    def _is_of_this_job(self, folder: TrialFolder) -> bool:
        attempts = read_attempts(folder.attempts)
        return bool(self._job and attempts and attempts[-1]["job"] == self._job.job)


def _note_stop(folder: TrialFolder, child: int, reason: str, *, late: bool) -> None:
    """Write down why the attempt of ``child`` was stopped; a trial with an outcome ended before."""
    attempts = read_attempts(folder.attempts)
    if not attempts or attempts[-1]["pid"] != child or attempts[-1]["reason"] == "done":
        return
    if attempts[-1]["end"] is None or str(attempts[-1]["reason"]).startswith("interrupted"):
        words = str(attempts[-1]["reason"] or "").removeprefix("interrupted: ")
        amend_attempt(folder.attempts, f"{reason}; {words}" if words else reason, late=late)
        end_attempt(folder, reason)


def _send(child: int, sent: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, sent)


def _ends_until(child: int, deadline: float) -> bool:
    """Wait for ``child`` until ``deadline`` (seconds since the epoch); say whether it ended."""
    try:
        while not os.waitpid(child, os.WNOHANG)[0]:
            if time.time() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
    except ChildProcessError:  # the signal came just after the wait for it
        pass
    return True


def _nothing() -> None:
    """Stand for a task that names nothing to import."""


def _preload(folders: Sequence[TrialFolder]) -> None:
    """Do once what each fork would do anew; an import that fails here fails again in its trial."""
    provenance.where()  # asks git for the commit
    seen: set[tuple[str, str]] = set()
    for folder in folders:
        with contextlib.suppress(UserError, FileNotFoundError, ImportError):
            setting = load_trial(folder).setting
            if (setting.task, setting.use) not in seen:
                seen.add((setting.task, setting.use))
                getattr(load_code(setting.task, setting.use).task, "preload", _nothing)()
    if "torch" in sys.modules:
        # torch imports its compiler at the first step of any optimiser: 1.6 s in every fork.
        with contextlib.suppress(ImportError):
            importlib.import_module("torch._dynamo")
