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
from repro.files import explained, make_directory
from repro.heartbeat import read_beat
from repro.launch.worker import Isolation, WorkList, work
from repro.paths import ResultPaths
from repro.spec import Resources
from repro.store import TrialFolder

#: submitit ends a local job after its time limit; a local worker has none.
_NO_LIMIT_MINUTES = 60 * 24 * 365
_STOP_SECONDS = 10.0

LAUNCHERS = ("local", "debug")


class Launcher(Protocol):
    """Starts workers and knows which of them still run."""

    @property
    def places(self) -> int:
        """How many trials can run at once."""

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
    raise UserError(f"unknown launcher {name!r}; valid: {', '.join(LAUNCHERS)}")


class DebugLauncher:
    """Runs every trial in this process, one after the other: breakpoints and prints work."""

    places = 1

    def __init__(self, paths: ResultPaths) -> None:
        self._paths = paths

    def start(self, folders: Sequence[TrialFolder]) -> None:
        """Run the trials now."""
        from submitit import AutoExecutor

        submission = _new_submission(self._paths)
        work_list = _write_list(submission, folders, "none", {})
        with explained(submission):
            executor = AutoExecutor(submission, cluster="debug")
            job = executor.submit(work, str(work_list), str(submission / "worker-0.json"))
        job.results()

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

    def __init__(self, paths: ResultPaths, resources: Resources, jobs: int) -> None:
        self._paths = paths
        gpus = visible_gpus() if resources.gpus else []
        self._isolation: Isolation = "process" if gpus else "fork"
        self._gpus = gpus[: jobs or None] or [""] * (jobs or usable_cores())
        self._started: list[Path] = []

    def start(self, folders: Sequence[TrialFolder]) -> None:
        """Fill the free places with workers that share the list of ``folders``.

        A place is taken while a worker of any paper has it: two workers never share a GPU.
        """
        from submitit import LocalExecutor

        everywhere = self._paths.results.glob("*/*/jobs/*/worker-*.json")
        taken = set(_living(everywhere))
        free = [place for place in range(self.places) if place not in taken]
        jobs = {}
        for place in free[: len(folders)]:
            environment = {"CUDA_VISIBLE_DEVICES": self._gpus[place], "OMP_NUM_THREADS": "1"}
            submission = _new_submission(self._paths)
            work_list = _write_list(submission, folders, self._isolation, environment)
            beat = submission / f"worker-{place}.json"
            with _quiet_interrupts(), explained(submission):
                executor = LocalExecutor(submission)
                executor.update_parameters(timeout_min=_NO_LIMIT_MINUTES)
                jobs[beat] = executor.submit(work, str(work_list), str(beat))
        self._started += jobs
        for beat, job in jobs.items():
            _wait_for_beat(beat, job)

    @property
    def places(self) -> int:
        """One per core, or per GPU; ``jobs`` where the user gave a number."""
        return len(self._gpus)

    def alive(self) -> int:
        """Return how many local workers run on this paper and scale."""
        return len(_living(self._paths.jobs.glob("*/worker-*.json")))

    def stop(self) -> None:
        """Ask the workers that this launcher started to end, then make them."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            for pid in _living(self._started).values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, sent)
            deadline = time.monotonic() + _STOP_SECONDS
            while _living(self._started) and time.monotonic() < deadline:
                time.sleep(0.1)


def _living(beats: Iterable[Path]) -> dict[int, int]:
    """Return the process numbers of those workers on this host that are alive, by their places."""
    living = {}
    for path in beats:
        beat = read_beat(path)
        if beat and beat.host == socket.gethostname() and beat.is_alive():
            living[int(path.stem.rpartition("-")[2])] = beat.pid
    return living


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
