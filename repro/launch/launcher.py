"""What every launcher offers, and the two that need no cluster: ``debug`` and ``local``."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from repro.errors import UserError
from repro.files import make_directory
from repro.heartbeat import read_beat
from repro.launch.worker import Isolation, WorkList, work
from repro.paths import ResultPaths
from repro.spec import Resources
from repro.store import TrialFolder

#: submitit ends a local job after its time limit; a local worker has none.
_NO_LIMIT_MINUTES = 60 * 24 * 365
_STOP_SECONDS = 10.0


class Launcher(Protocol):
    """Starts workers and knows which of them still run."""

    #: Whether the launcher's workers run beside this process, so that it can watch them.
    in_background: bool

    def start(self, folders: Sequence[TrialFolder]) -> None:
        """Start as many workers on ``folders`` as there are free places."""

    def alive(self) -> int:
        """Return how many workers run on this paper and scale, whoever started them."""

    def stop(self) -> None:
        """End the workers; each trial that they ran can go on from its last checkpoint."""


def make_launcher(name: str, paths: ResultPaths, resources: Resources, jobs: int) -> Launcher:
    """Return the launcher called ``name``. An unknown name: ``UserError``."""
    if name == "debug":
        return DebugLauncher(paths)
    if name == "local":
        return LocalLauncher(paths, resources, jobs)
    raise UserError(f"unknown launcher {name!r}; valid: local, debug")


class DebugLauncher:
    """Runs every trial in this process, one after the other: breakpoints and prints work."""

    in_background = False

    def __init__(self, paths: ResultPaths) -> None:
        self._paths = paths

    def start(self, folders: Sequence[TrialFolder]) -> None:
        """Run the trials now."""
        from submitit import AutoExecutor

        submission = _new_submission(self._paths)
        work_list = _write_list(submission, folders, "none", {})
        executor = AutoExecutor(submission, cluster="debug")
        executor.submit(work, str(work_list), str(submission / "worker-0.json")).results()

    def alive(self) -> int:
        """Nothing runs once :meth:`start` has returned."""
        return 0

    def stop(self) -> None:
        """Nothing is left to stop."""


class LocalLauncher:
    """One worker per core, or per GPU where the trials ask for one and the machine has some.

    submitit starts the workers; the queue is ours, because its local executor has none and would
    put every one-GPU job on GPU 0.
    """

    in_background = True

    def __init__(self, paths: ResultPaths, resources: Resources, jobs: int) -> None:
        self._paths = paths
        gpus = visible_gpus() if resources.gpus else []
        self._isolation: Isolation = "process" if gpus else "fork"
        self._places = gpus[: jobs or None] or [""] * (jobs or usable_cores())
        self._started: list[Path] = []

    def start(self, folders: Sequence[TrialFolder]) -> None:
        """Fill the free places with workers that share the list of ``folders``."""
        from submitit import LocalExecutor

        taken = self.alive()
        jobs = {}
        for place in self._places[taken : taken + len(folders)]:
            environment = {"CUDA_VISIBLE_DEVICES": place, "OMP_NUM_THREADS": "1"}
            submission = _new_submission(self._paths)
            work_list = _write_list(submission, folders, self._isolation, environment)
            executor = LocalExecutor(submission)
            executor.update_parameters(timeout_min=_NO_LIMIT_MINUTES)
            beat = submission / "worker-0.json"
            with _quiet_interrupts():
                jobs[beat] = executor.submit(work, str(work_list), str(beat))
        self._started += jobs
        for beat, job in jobs.items():
            _wait_for_beat(beat, job)

    def alive(self) -> int:
        """Return how many local workers run on this paper and scale."""
        return len(_living(self._paths.jobs.glob("*/worker-*.json")))

    def stop(self) -> None:
        """Ask the workers that this launcher started to end, then make them."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            for pid in _living(self._started):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sent)
            deadline = time.monotonic() + _STOP_SECONDS
            while _living(self._started) and time.monotonic() < deadline:
                time.sleep(0.1)


def _living(beats: Iterable[Path]) -> list[int]:
    """Return the process numbers of those workers on this host that are alive."""
    found = (read_beat(path) for path in beats)
    here = socket.gethostname()
    return [beat.pid for beat in found if beat and beat.host == here and beat.is_alive()]


def usable_cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def visible_gpus() -> list[str]:
    """Return the identifiers of the GPUs that this process may use, without starting CUDA."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [part for part in named.split(",") if part]
    command = ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    except (OSError, subprocess.CalledProcessError):
        return []


def _new_submission(paths: ResultPaths) -> Path:
    """Make a folder that no other submission has: job ids may start again, folders may not."""
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{time.monotonic_ns() % 10**9}"
    return make_directory(paths.jobs / name)


def _write_list(
    submission: Path,
    folders: Sequence[TrialFolder],
    isolation: Isolation,
    environment: dict[str, str],
) -> Path:
    path = submission / "trials.json"
    WorkList(tuple(folder.path for folder in folders), isolation, environment).write(path)
    return path


@contextlib.contextmanager
def _quiet_interrupts() -> Iterator[None]:
    """Start children that ignore Ctrl-C: this process stops them in order, with SIGTERM."""
    previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _wait_for_beat(beat: Path, job: Any, seconds: float = 30.0) -> None:
    """Wait until the worker shows its first beat, so that it counts as alive; not for ever."""
    deadline = time.monotonic() + seconds
    while not beat.exists() and time.monotonic() < deadline and not job.done():
        time.sleep(0.05)
