"""Trials that run together: stored one by one, and none pays for another."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from checkout import Checkout, make_checkout

from repro.context import RunContext
from repro.execution import single, together
from repro.execution.single import Code, RunOrder
from repro.execution.together import run_together, setting_key
from repro.files import read_json, write_json
from repro.trials.attempts import finish_attempt, read_attempts, start_attempt
from repro.trials.fingerprint import Fingerprint
from repro.trials.heartbeat import this_process
from repro.trials.store import TrialFolder, create
from repro.trials.trial import Setting, Trial

SETTING = Setting("t.Task", {}, "d", "d", "m", "m.Method", {}, {}, in_table=True)
SMOKE = ("toy", "--scale", "smoke")

One = Callable[[RunContext], dict[str, float]]
All = Callable[[Sequence[RunContext]], list[dict[str, float]]]


def error(context: RunContext) -> dict[str, float]:
    return {"error": float(context.trial_seed)}


def errors(contexts: Sequence[RunContext]) -> list[dict[str, float]]:
    return [error(context) for context in contexts]


@pytest.fixture
def folders(tmp_path: Path) -> list[TrialFolder]:
    trials = tmp_path / "paper" / "smoke" / "trials"
    return [create(Trial(SETTING, seed), trials) for seed in range(3)]


@pytest.fixture
def run(folders: list[TrialFolder], monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Run three trials of a task with the given bodies; return their outcomes."""

    def together_(one: One = error, everything: All = errors) -> list[str]:
        class Task:
            def run(self, _method: Any, context: RunContext) -> dict[str, float]:
                return one(context)

            def run_batch(self, _method: Any, contexts: Sequence[RunContext]) -> Any:
                return everything(contexts)

        code = Code(Task, dict, Fingerprint({}, {}))
        monkeypatch.setattr(single, "load_code", lambda *_: code)
        monkeypatch.setattr(together, "load_code", lambda *_: code)
        monkeypatch.setattr(single, "code_fingerprint", lambda _: code.fingerprint)
        return list(run_together(folders, [RunOrder()] * 3))

    return together_


def results(folders: list[TrialFolder]) -> list[Any]:
    found = [read_json(folder.result) for folder in folders]
    return [one and one["metrics"]["error"] for one in found]


def test_each_trial_has_its_own_result_and_its_share_of_the_time(
    run: Any, folders: list[TrialFolder]
) -> None:
    assert run() == ["done"] * 3
    assert results(folders) == [0.0, 1.0, 2.0]
    for folder in folders:
        assert read_json(folder.result)["cost"]["shared_by"] == 3  # type: ignore[index]
        (attempt,) = read_attempts(folder.attempts)
        assert attempt["reason"] == "done"
        assert not folder.claim.exists()
        assert not folder.heartbeat.exists()
    assert run() == ["skipped"] * 3


def test_an_error_is_that_of_the_trial_that_has_it(run: Any, folders: list[TrialFolder]) -> None:
    def one(context: RunContext) -> dict[str, float]:
        if context.trial_seed == 1:
            raise RuntimeError("seed 1 is wrong")
        return error(context)

    assert run(one, lambda contexts: [one(c) for c in contexts]) == ["done", "failed", "done"]
    assert results(folders) == [0.0, None, 2.0]
    assert read_json(folders[1].error)["message"] == "seed 1 is wrong"  # type: ignore[index]
    assert "shared_by" not in read_json(folders[0].result)["cost"]  # type: ignore[index]
    reasons = [attempt["reason"] for attempt in read_attempts(folders[0].attempts)]
    assert reasons == ["again: in a batch of 3, RuntimeError: seed 1 is wrong", "done"]


def test_too_few_results_are_an_error_and_each_runs_alone(
    run: Any, folders: list[TrialFolder]
) -> None:
    assert run(error, lambda contexts: errors(contexts)[:2]) == ["done"] * 3
    assert "2 results for 3 trials" in read_attempts(folders[0].attempts)[0]["reason"]


def test_an_interrupted_batch_resumes_from_its_checkpoint(
    run: Any, folders: list[TrialFolder]
) -> None:
    started: list[Any] = []

    def batch(contexts: Sequence[RunContext]) -> list[dict[str, float]]:
        states = [context.restore() for context in contexts]
        started.append(states[0])
        if states[0] is None:
            contexts[0].checkpoint({"step": 7}, 7)
            raise KeyboardInterrupt
        return errors(contexts)

    assert run(error, batch) == ["interrupted"] * 3
    assert results(folders) == [None] * 3
    assert run(error, batch) == ["done"] * 3
    assert started == [None, {"step": 7}]
    assert read_json(folders[0].result)["resumed_from"] == 7  # type: ignore[index]


def test_what_another_process_runs_or_ended_is_left_out(
    run: Any, folders: list[TrialFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def batch(contexts: Sequence[RunContext]) -> list[dict[str, float]]:
        seen.extend(context.trial_seed for context in contexts)
        return errors(contexts)

    write_json(folders[1].claim, asdict(this_process()))
    monkeypatch.setattr(together, "try_claim", lambda path, beat: path != folders[1].claim)
    monkeypatch.setattr(together, "is_ours", lambda _: True)
    assert run(error, batch) == ["done", "claimed", "done"]
    assert seen == [0, 2]


def test_a_trial_runs_alone_after_a_batch_that_did_not_end(
    run: Any, folders: list[TrialFolder]
) -> None:
    run()
    keys = {setting_key(folder) for folder in folders}
    assert len(keys) == 1
    assert keys != {""}
    start_attempt(folders[0].attempts)
    finish_attempt(folders[0].attempts, "killed by SIGSEGV")
    assert setting_key(folders[0]) == ""
    assert setting_key(folders[1]) in keys


def test_a_task_without_batches_runs_its_trials_alone(
    folders: list[TrialFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "load_code", lambda *_: Code(dict, dict, Fingerprint({}, {})))
    assert setting_key(folders[0]) == ""


@pytest.fixture
def batched(tmp_path: Path) -> Checkout:
    made = make_checkout(tmp_path / "batched")
    made.edit_spec(lambda spec: spec.update(task="tasks.toy.ToyTogether"))
    return made


def metrics_by_trial(checkout: Checkout) -> dict[tuple[Any, ...], dict[str, float]]:
    found = {}
    for folder in checkout.trials():
        trial, result = (
            json.loads((folder / f"{n}.json").read_text()) for n in ("trial", "result")
        )
        setting = trial["setting"]
        key = (setting["method"], setting["dataset"], str(setting["params"]), trial["seed"])
        found[key] = result["metrics"]
    return found


@pytest.mark.parametrize("launcher", ["local", "debug"])
def test_a_run_in_batches_is_told_in_its_report(batched: Checkout, launcher: str) -> None:
    shown = batched.repro("reproduce", *SMOKE, "--launcher", launcher)
    assert shown.returncode == 0, shown.stderr
    costs = [json.loads((f / "result.json").read_text())["cost"] for f in batched.trials()]
    assert {cost["shared_by"] for cost in costs} == {2, 3}  # a sweep of two seeds, a table of three
    assert len(metrics_by_trial(batched)) == len(costs)
    page = (batched.results / "toy" / "smoke" / "report" / "report.html").read_text()
    assert "(shared)" in page
    assert "ran together" in page
    told = batched.repro("explain", *SMOKE, "--cell", "plain/near/error")
    assert "its share of the time of 3 trials that ran together" in told.stdout


def test_a_killed_batch_costs_no_other_setting(batched: Checkout) -> None:
    batched.edit_spec(
        lambda spec: spec["methods"]["far"].update(params={"ending": "kill"})  # type: ignore[arg-type]
    )
    shown = batched.repro("reproduce", *SMOKE)
    assert shown.returncode == 1, shown.stderr
    for folder in batched.trials():
        setting = json.loads((folder / "trial.json").read_text())["setting"]
        assert (folder / "result.json").exists() == (setting["method"] == "near")
        assert (folder / "error.json").exists() == (setting["method"] == "far")
