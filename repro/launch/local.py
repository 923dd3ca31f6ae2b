"""The launcher ``local``: workers on this machine, one per core or per trial's GPUs."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from repro.files import explained
from repro.launch.endings import last_words
from repro.launch.launcher import Order
from repro.launch.machine import usable_cores, visible_gpus
from repro.launch.submission import CANCELLED, new_folder
from repro.launch.worker import work
from repro.launch.worklist import Isolation, WorkList, results_to_replace
from repro.paths import ResultPaths
from repro.spec import Resources
from repro.trials.attempts import LOST
from repro.trials.heartbeat import read_beat
from repro.trials.lock import claimed

#: submitit ends a local job after its time limit; a local worker has none.
_NO_LIMIT_MINUTES = 60 * 24 * 365
_STOP_SECONDS = 10.0


class LocalLauncher:
    """One worker per core, or per GPU where the trials ask for one and the machine has some.

    submitit starts the workers; the queue is ours, because its local executor has none and would
    put every one-GPU job on GPU 0.
    """

    poll_seconds = 0.25

    def __init__(self, paths: ResultPaths, resources: Resources, jobs: int) -> None:
        self._paths = paths
        self._wants_gpus = resources.gpus > 0
        gpus = _gpu_sets(resources)
        self._isolation: Isolation = "process" if gpus else "fork"
        self._gpus = gpus[: jobs or None] or [""] * (jobs or usable_cores())
        self._started: list[Path] = []

    @property
    def places(self) -> int:
        """One per core, or per GPU; ``jobs`` where the user gave a number."""
        return len(self._gpus)

    def notes(self, order: Order) -> list[str]:
        """Say where trials that want a GPU will have none."""
        if order.trials and self._wants_gpus and self._isolation == "fork":
            return ["No GPU was found: on the CPU this takes far longer."]
        return []

    def start(self, order: Order) -> Collection[str]:
        """Fill the free places with workers that share the list of trials.

        A place is taken while a worker of any paper has it, and one call at a time takes places:
        two workers never share a GPU.
        """
        folders = [order.plan.folder(trial) for trial in order.trials]
        paths = tuple(folder.path for folder in folders)
        work_list = WorkList(paths, self._isolation, replaced=results_to_replace(folders))
        with self._taking_places():
            started = self._fill_places(work_list, len(paths))
        return {trial.trial_id for trial in order.trials} if started else set()

    def reinforce(self, waiting: Collection[str]) -> None:
        """Start workers on the list of a living one, where a place was taken when that began.

        Workers of an earlier list, or of another call, end one after the other: without this, what
        began at the first free place would go on there alone.
        """
        if not waiting or not self._free_places():
            return
        with self._taking_places():
            for beat in living_workers(self._paths.jobs.glob("*/worker-*.json")).values():
                left = len(_names_on_list(beat.parent) & set(waiting))
                if left and not (beat.parent / CANCELLED).exists():
                    self._fill_places(WorkList.read(beat.parent / "trials.json"), left)

    @contextlib.contextmanager
    def _taking_places(self) -> Iterator[None]:
        with claimed(self._paths.results / f".places-{socket.gethostname()}.claim"):
            yield

    def _free_places(self) -> list[int]:
        taken = set(living_workers(self._paths.results.glob("*/*/jobs/*/worker-*.json")))
        return [place for place in range(self.places) if place not in taken]

    def _fill_places(self, work_list: WorkList, most: int) -> bool:
        """Start at most so many workers on a list; say whether there was a place for any."""
        jobs = {}
        for place in self._free_places()[:most]:
            environment = {"CUDA_VISIBLE_DEVICES": self._gpus[place], "OMP_NUM_THREADS": "1"}
            beat, job = self._start_one(place, replace(work_list, environment=environment))
            jobs[beat] = job
        self._started += jobs
        for beat, job in jobs.items():
            _wait_for_beat(beat, job)
        return bool(jobs)

    def held(self) -> set[str] | None:
        """Return what the lists of the living local workers of this paper and scale hold."""
        living = living_workers(self._paths.jobs.glob("*/worker-*.json")).values()
        return {name for beat in living for name in _names_on_list(beat.parent)}

    def given_up(self) -> set[str]:
        """Return what the workers that `cancel` ended had; one killed by hand is replaced."""
        cancelled = {mark.parent for mark in self._paths.jobs.glob(f"*/{CANCELLED}")}
        if not cancelled:
            return set()
        last: dict[str, bool] = {}
        for folder in sorted(path.parent for path in self._paths.jobs.glob("*/trials.json")):
            last.update(dict.fromkeys(_names_on_list(folder), folder in cancelled))
        held = self.held() or set()
        return {trial for trial, gone in last.items() if gone and trial not in held}

    def has_ended(self, job: str) -> bool:  # noqa: ARG002
        """Say no: this machine's process table tells better than any job's number."""
        return False

    def reasons(self, open_attempts: Mapping[str, dict[str, Any]]) -> dict[str, str]:
        """Nothing is known of a process that is gone."""
        return dict.fromkeys(open_attempts, LOST)

    def last_words(self, trial: str) -> str:  # noqa: ARG002
        """Return the last line that one of the workers wrote."""
        logs = [log for beat in self._started for log in sorted(beat.parent.glob("*_log.err"))]
        return next((words for words in map(last_words, reversed(logs)) if words), "")

    def stop(self) -> str:
        """Ask the workers that this launcher started to end, then make them."""
        for sent in (signal.SIGTERM, signal.SIGKILL):
            stop_workers(self._started, sent)
            deadline = time.monotonic() + _STOP_SECONDS
            while living_workers(self._started) and time.monotonic() < deadline:
                time.sleep(0.1)
        return "What was finished is kept; the same command goes on from there."

    def _start_one(self, place: int, work_list: WorkList) -> tuple[Path, Any]:
        from submitit import LocalExecutor

        submission = new_folder(self._paths)
        list_path = submission / "trials.json"
        work_list.write(list_path)
        beat = submission / f"worker-{place}.json"
        with _quiet_interrupts(), explained(submission):
            executor = LocalExecutor(submission)
            executor.update_parameters(timeout_min=_NO_LIMIT_MINUTES)
            return beat, executor.submit(work, str(list_path), str(beat))


def living_workers(beats: Iterable[Path]) -> dict[int, Path]:
    """Return the heartbeats of those workers on this host that are alive, by their places."""
    living = {}
    for path in beats:
        beat = read_beat(path)
        if beat and beat.host == socket.gethostname() and beat.is_alive():
            living[int(path.stem.rpartition("-")[2])] = path
    return living


def cancel_workers(beats: Iterable[Path]) -> int:
    """End the living workers of this host for good: nobody replaces them; return how many."""
    living = list(living_workers(beats).values())
    for beat in living:
        (beat.parent / CANCELLED).touch()
    return stop_workers(living)


def stop_workers(beats: Iterable[Path], sent: signal.Signals = signal.SIGTERM) -> int:
    """Send a signal to the living workers of this host; return to how many."""
    living = [beat for beat in map(read_beat, living_workers(beats).values()) if beat]
    for beat in living:
        with contextlib.suppress(ProcessLookupError):
            os.kill(beat.pid, sent)
    return len(living)


def _gpu_sets(resources: Resources) -> list[str]:
    """Return the GPUs of each place: as many as the hungriest trial needs."""
    own = [need.gpus for need in resources.methods.values() if need.gpus is not None]
    each = max([resources.gpus, *own])
    gpus = visible_gpus() if each else []
    starts = range(0, len(gpus) - each + 1, each) if gpus else ()
    return [",".join(gpus[start : start + each]) for start in starts]


@lru_cache(maxsize=256)
def _names_on_list(submission: Path) -> frozenset[str]:
    return frozenset(path.name for path in WorkList.read(submission / "trials.json").folders)


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
