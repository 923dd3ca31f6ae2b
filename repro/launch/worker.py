"""A worker: takes trials from a list, one after the other, each in a process of its own.

It imports what the trials need once and forks for each CPU trial, so that a crash costs one trial
and peak memory is the trial's own. A GPU trial gets a fresh process: CUDA does not survive a fork.
Several workers may have the same list: a trial's claim decides who runs it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

from repro import provenance
from repro.attempts import finish_attempt, read_attempts
from repro.errors import UserError
from repro.execution import Interrupted, load_code, run_trial, write_failure
from repro.files import read_json, write_json
from repro.heartbeat import Heartbeat
from repro.store import TrialFolder, load_trial

Isolation = Literal["none", "fork", "process"]

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class WorkList:
    """What a worker is to do: trials' folders in order, and how each is kept apart."""

    folders: tuple[Path, ...]
    isolation: Isolation
    environment: dict[str, str]

    def write(self, path: Path) -> None:
        """Store the list as JSON: results and orders never travel through pickles."""
        folders = [str(folder) for folder in self.folders]
        content = {"folders": folders, "isolation": self.isolation}
        write_json(path, {**content, "environment": self.environment})

    @classmethod
    def read(cls, path: Path) -> WorkList:
        """Return the list in ``path``."""
        content = read_json(path)
        if content is None:
            raise FileNotFoundError(path)
        folders = tuple(Path(folder) for folder in content["folders"])
        return cls(folders, content["isolation"], content["environment"])


def work(list_path: str, beat_path: str) -> None:
    """Run the trials of a list that nobody else has run or is running: the launchers' payload."""
    work_list = WorkList.read(Path(list_path))
    os.environ.update(work_list.environment)
    # No heartbeat thread here: a fork must not copy a thread's locks.
    heartbeat = Heartbeat(Path(beat_path))
    folders = [TrialFolder(path) for path in work_list.folders]
    with _stops_on_sigterm():
        heartbeat.beat()
        if work_list.isolation == "fork":
            _preload(folders)
        for folder in folders:
            heartbeat.beat()
            _run_one(folder, work_list.isolation)
    heartbeat.stop()


def _run_one(folder: TrialFolder, isolation: Isolation) -> None:
    if isolation == "none":
        if run_trial(folder) == "interrupted":
            raise KeyboardInterrupt
    elif isolation == "fork":
        _wait(_fork(folder), folder)
    else:
        command = [sys.executable, "-m", "repro.launch.single", str(folder.path)]
        with folder.log.open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        _wait(process.pid, folder)


def _preload(folders: Sequence[TrialFolder]) -> None:
    """Do once what each fork would do anew; an import that fails here fails again in its trial."""
    provenance.where()  # asks git for the commit
    seen: set[tuple[str, str]] = set()
    for folder in folders:
        with contextlib.suppress(UserError, FileNotFoundError, ImportError):
            setting = load_trial(folder).setting
            if (setting.task, setting.use) not in seen:
                seen.add((setting.task, setting.use))
                load_code(setting.task, setting.use)
    if "torch" in sys.modules:
        # torch imports its compiler at the first step of any optimiser: 1.6 s in every fork.
        with contextlib.suppress(ImportError):
            importlib.import_module("torch._dynamo")


def _fork(folder: TrialFolder) -> int:
    """Start the trial in a child that dies with this worker; return its process number."""
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        _die_with(parent)
        _redirect_output(folder.log)
        run_trial(folder)
        status = 0
    finally:
        # Leave at once: the worker's clean-up code in this copy of it must not run.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _wait(child: int, folder: TrialFolder) -> None:
    """Wait for a trial's process; note in its attempts when a signal ended it."""
    try:
        _, status = os.waitpid(child, 0)
    except Interrupted:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
        raise
    if os.WIFSIGNALED(status):
        _note_death(folder, signal.Signals(os.WTERMSIG(status)).name)


def _note_death(folder: TrialFolder, name: str) -> None:
    """Write down that a signal ended a trial; the second time, the trial has failed."""
    attempts = read_attempts(folder.attempts)
    if not attempts or attempts[-1]["end"] is not None:
        return
    hint = " (out of memory, or by hand)" if name == "SIGKILL" else ""
    finish_attempt(folder.attempts, f"killed by {name}{hint}")
    if any(str(attempt["reason"]).startswith("killed by") for attempt in attempts):
        setting = load_trial(folder).setting
        code = load_code(setting.task, setting.use).fingerprint
        write_failure(folder, "Killed", f"killed twice, the last time by {name}{hint}", code)


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its worker dies (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _redirect_output(log: Path) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)


@contextlib.contextmanager
def _stops_on_sigterm() -> Iterator[None]:
    """Turn SIGTERM, which submitit's own handler ignores, into :class:`Interrupted`."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise Interrupted

    previous = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except Interrupted:
        pass
    finally:
        signal.signal(signal.SIGTERM, previous)
