"""One trial's run where something comes between: a word to stop, another owner, a full disk."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from repro.context import RunContext
from repro.errors import UserError
from repro.execution import single
from repro.execution.failure import disk_problem, end_attempt
from repro.execution.single import Code, RunOrder, run_trial
from repro.files import read_json, write_json
from repro.trials.attempts import read_attempts
from repro.trials.fingerprint import Fingerprint
from repro.trials.heartbeat import this_process
from repro.trials.lock import is_doubtful, is_held, void_if_silent
from repro.trials.store import TrialFolder, create
from repro.trials.trial import Setting, Trial

TRIAL = Trial(Setting("t.Task", {}, "d", "d", "m", "m.Method", {}, {}, in_table=True), 0)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Run a trial whose task is the given function of its context; return outcome and folder."""
    folder = create(TRIAL, tmp_path / "paper" / "smoke" / "trials")

    def one(body: Callable[[RunContext], dict[str, float]], order: RunOrder | None = None) -> Any:
        class Task:
            def run(self, _method: Any, context: RunContext) -> dict[str, float]:
                return body(context)

        code = Code(Task, dict, Fingerprint({}, {}))
        monkeypatch.setattr(single, "load_code", lambda *_: code)
        monkeypatch.setattr(single, "code_fingerprint", lambda _: code.fingerprint)
        return run_trial(folder, order or RunOrder()), folder

    return one


def steps(context: RunContext) -> dict[str, float]:
    state = context.restore() or {"step": 0}
    for step in range(state["step"], 5):
        context.checkpoint({"step": step + 1}, step + 1)
    return {"error": 1.0}


def test_a_trial_that_is_told_to_stop_ends_at_its_next_checkpoint(run: Any) -> None:
    asked = iter([False, False, True])
    outcome, folder = run(steps, RunOrder(should_stop=lambda: next(asked)))
    assert outcome == "interrupted"
    (attempt,) = read_attempts(folder.attempts)
    assert attempt["reason"] == "interrupted: stopped after step 3, which is kept"
    assert attempt["advanced"]
    assert not folder.claim.exists()
    outcome, folder = run(steps)
    assert outcome == "done"
    assert (read_json(folder.result) or {})["resumed_from"] == 3


def test_a_run_that_lost_its_claim_writes_nothing(run: Any) -> None:
    def overtaken(context: RunContext) -> dict[str, float]:
        other = {**asdict(this_process()), "host": "elsewhere"}
        write_json(context.directory / "claim", other)
        return {"error": 1.0}

    outcome, folder = run(overtaken)
    assert outcome == "superseded"
    assert not folder.result.exists()
    # The other's claim and its lines stay as they are.
    assert (read_json(folder.claim) or {})["host"] == "elsewhere"
    assert [attempt["end"] for attempt in read_attempts(folder.attempts)] == [None]


def test_a_run_that_lost_its_claim_stops_at_its_next_checkpoint(run: Any) -> None:
    reached: list[int] = []

    def overtaken(context: RunContext) -> dict[str, float]:
        write_json(context.directory / "claim", {**asdict(this_process()), "host": "elsewhere"})
        context.checkpoint({}, 1)
        reached.append(1)
        return {"error": 1.0}

    assert run(overtaken)[0] == "superseded"
    assert not reached


def test_too_little_memory_is_forgiven_once(run: Any) -> None:
    def hungry(_: RunContext) -> dict[str, float]:
        raise MemoryError("CUDA out of memory. Tried to allocate 7 GiB")

    assert run(hungry)[0] == "again"
    outcome, folder = run(hungry)
    assert outcome == "failed"
    error = read_json(folder.error) or {}
    assert "raise memory_gb" in error["message"]
    assert "Tried to allocate 7 GiB" in error["message"]
    assert [a["reason"].partition(":")[0] for a in read_attempts(folder.attempts)] == [
        "out of memory"
    ] * 2


def test_a_full_disk_is_no_fault_of_the_trial(run: Any) -> None:
    def unlucky(_: RunContext) -> dict[str, float]:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/scratch/x")

    with pytest.raises(UserError, match="cannot write /scratch/x: the disk is full"):
        run(unlucky)
    outcome, folder = run(steps)
    assert outcome == "done"
    assert not folder.error.exists()


def test_other_errors_are_no_disk_problems() -> None:
    assert disk_problem(ValueError("x")) is None
    assert disk_problem(UserError("x")) is None
    assert disk_problem(OSError(errno.ENOENT, "x")) is None


def test_an_outcome_that_came_after_the_order_is_left_alone(run: Any) -> None:
    _, folder = run(steps)
    finished = (read_json(folder.result) or {})["finished"]
    stored = read_json(folder.result) or {}
    # Of other code than the present: by its fingerprint alone it would be run again.
    stored["fingerprint"]["files"] = {"other.py": "0"}
    write_json(folder.result, stored)
    assert run(steps, RunOrder(replaced="earlier"))[0] == "skipped"
    assert run(steps, RunOrder(replaced=finished))[0] == "done"


def silent_claim(folder: TrialFolder, seconds: float) -> None:
    claim = {**asdict(this_process()), "host": "elsewhere", "time": time.time() - 1000}
    write_json(folder.claim, claim)
    write_json(folder.heartbeat, claim | {"time": time.time() - seconds})


def test_the_claim_of_an_ended_job_is_void_unless_it_was_just_heard(tmp_path: Path) -> None:
    folder = create(TRIAL, tmp_path)
    silent_claim(folder, seconds=2)
    assert not is_doubtful(folder.claim, folder.heartbeat)
    void_if_silent(folder.claim, folder.heartbeat)
    assert folder.claim.exists()
    silent_claim(folder, seconds=20)
    assert is_held(folder.claim, folder.heartbeat)
    assert not end_attempt(folder, "lost: x")
    void_if_silent(folder.claim, folder.heartbeat)
    assert not folder.claim.exists()
