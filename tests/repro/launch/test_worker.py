"""What a worker in a job does at its end, told by a job that only takes notes."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from repro.execution.single import Code
from repro.launch import worker as module
from repro.launch.worker import _Worker
from repro.launch.worklist import WorkList
from repro.trials.store import TrialFolder
from repro.trials.trial import Setting, Trial


class NotedJob:
    """Notes whether it was put back into the queue."""

    def __init__(self, *, is_over: bool) -> None:
        self.over = is_over
        self.went_back = False

    def is_over(self, came: signal.Signals) -> bool:
        return self.over

    def leave(self, came: signal.Signals) -> None:
        self.went_back = True


@pytest.fixture
def builders(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Artefacts take the seconds listed here, by a clock that nothing else moves."""
    durations: list[float] = []
    clock = [0.0]

    def build(*_: Any) -> int:
        clock[0] += durations.pop(0)
        return 0

    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(module, "start_building", build)
    monkeypatch.setattr(module.os, "waitpid", lambda *_: (0, 0))
    return durations


def leave(job: NotedJob, artifacts: int, begun: int | None = None) -> None:
    built = tuple((f"b{place}", {}) for place in range(artifacts))
    work_list = WorkList((), "fork", in_job=True, artifacts=built)
    worker = _Worker(work_list, module.Heartbeat(Path("none")), job, [signal.SIGUSR2])  # type: ignore[arg-type]
    for name, settings in built[:begun]:
        worker._build(name, settings)
    worker.leave()


def test_an_artefact_that_takes_longer_than_a_job_is_not_begun_for_ever(
    builders: list[float],
) -> None:
    builders += [600.0]
    job = NotedJob(is_over=True)
    leave(job, artifacts=1)
    assert not job.went_back


def test_an_artefact_that_others_left_too_little_time_is_begun_again(
    builders: list[float],
) -> None:
    builders += [400.0, 200.0]
    job = NotedJob(is_over=True)
    leave(job, artifacts=2)
    assert job.went_back


def test_an_artefact_that_was_not_even_begun_is_begun_again(builders: list[float]) -> None:
    job = NotedJob(is_over=True)
    leave(job, artifacts=1, begun=0)
    assert job.went_back


def test_an_artefact_whose_job_is_preempted_is_begun_again(builders: list[float]) -> None:
    builders += [600.0]
    job = NotedJob(is_over=False)
    leave(job, artifacts=1)
    assert job.went_back


def test_slow_imports_of_a_task_are_made_once_before_the_forks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    made: list[str] = []

    class Task:
        @staticmethod
        def preload() -> None:
            made.append("task")

    setting = Setting("task", {}, "set", "set", "method", "use", {}, {}, in_table=True)
    trials = iter([Trial(setting, 0), Trial(setting, 1)])
    monkeypatch.setattr(module, "load_trial", lambda _: next(trials))
    monkeypatch.setattr(module, "load_code", lambda *_: Code(Task, None, None))  # type: ignore[arg-type]
    module._preload([TrialFolder(tmp_path / "0"), TrialFolder(tmp_path / "1")])
    assert made == ["task"]
