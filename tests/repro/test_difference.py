"""Two reports compared: what changed, from what to what, and why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_fixtures import SPEC, fill, made_up_plan, metrics_of, store_failure, store_result

from repro.difference import Difference, difference, difference_text
from repro.errors import UserError
from repro.planning.plan import Plan, Selection, make_plan
from repro.report.document import make_document
from repro.report.machine import trials_parquet, verdicts_json
from repro.trial_table import parquet_bytes, trial_row
from repro.trials.trial import Trial


def write_report(plan: Plan, folder: Path) -> Path:
    """Write the two files for programs, without figures."""
    document = make_document(plan, plan.records())
    folder.mkdir(parents=True)
    (folder / "verdicts.json").write_text(verdicts_json(document))
    (folder / "trials.parquet").write_bytes(trials_parquet(document))
    return folder


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plan's spec, its results, and the report on them, to be copied."""
    folder = tmp_path_factory.mktemp("first")
    plan = made_up_plan(folder)
    fill(plan, troubled=False, curves=False)
    write_report(plan, folder / "report")
    return folder


@pytest.fixture
def copied(first: Path, tmp_path: Path) -> Path:
    shutil.copytree(first, tmp_path / "second")
    shutil.rmtree(tmp_path / "second" / "report")
    return tmp_path / "second"


def compared(
    first: Path, copied: Path, change: Callable[[Plan], None] = lambda _: None, **changes: Any
) -> Difference:
    """Return how the report differs after ``change`` to the results, ``changes`` to the spec."""
    plan = made_up_plan(copied, **changes)
    change(plan)
    return difference(first / "report", write_report(plan, copied / "report"))


def reasons_of(difference: Difference, cell: str) -> list[str]:
    (found,) = [item for item in difference.cells if item.name == cell]
    return [reason.text for reason, _ in found.reasons]


def named(difference: Difference) -> set[str]:
    return {item.name.rpartition("/")[0] for item in difference.cells}


def trials(plan: Plan, dataset: str, method: str) -> list[Trial]:
    settings = [t for t in plan.trials if t.setting.dataset == dataset]
    return [t for t in settings if t.setting.method == method and t.setting.in_table]


def test_nothing_changed_is_one_line(first: Path, copied: Path) -> None:
    found = compared(first, copied)
    assert found.nothing
    text = difference_text(found)
    assert text.startswith("Nothing changed from ")
    assert len(text.splitlines()) == 1


def test_new_values_name_the_cell_the_claim_and_that_nothing_else_moved(
    first: Path, copied: Path
) -> None:
    def worse(plan: Plan) -> None:
        for trial in trials(plan, "gaussian", "bottleneck"):
            random = np.random.default_rng(trial.seed)
            metrics = metrics_of(trial, random)
            metrics["rmse"] += 0.3
            store_result(plan, trial, metrics, host="node7")

    found = compared(first, copied, worse)
    assert named(found) == {"gaussian/bottleneck"}
    (verdict,) = [claim for claim in found.claims if claim.name == "beats-mse"]
    assert verdict.is_verdict
    change = verdict.change("verdict")
    assert change is not None
    assert (change.before, change.after) == ("undecided", "contradicted")
    (reason, places) = verdict.reasons[0]
    assert reason.kind == "values"
    assert "run on laptop and node7" in reason.text
    assert places == ("gaussian/bottleneck",)
    text = difference_text(found)
    assert "beats-mse: verdict undecided → contradicted" in text
    assert "gaussian/bottleneck/rmse: mean " in text
    assert "headline: " in text


def test_a_failed_and_a_stale_trial_say_so(first: Path, copied: Path) -> None:
    def trouble(plan: Plan) -> None:
        failed, stale = trials(plan, "skewed", "mse")[:1], trials(plan, "diabetes", "vib")
        for trial in failed:
            shutil.rmtree(plan.folder(trial).path)
            store_failure(plan, trial)
        for trial in stale:
            old = {"files": {"old.py": "0"}, "environment": {}, "artifacts": {}}
            store_result(plan, trial, metrics_of(trial, np.random.default_rng(0)), fingerprint=old)

    found = compared(first, copied, trouble)
    assert named(found) == {"skewed/mse", "diabetes/vib"}
    failed = reasons_of(found, "skewed/mse/rmse")
    assert failed == ["done → failed: out of <memory> (seed 0)"]
    stale = reasons_of(found, "diabetes/vib/rmse")
    assert any(text.startswith("done → stale: ") and "old.py" in text for text in stale)
    assert any(text.startswith("code moved: ") for text in stale)
    (item,) = [item for item in found.cells if item.name == "skewed/mse/rmse"]
    assert item.change("state") is not None
    assert "state complete → incomplete" in difference_text(found)


def test_code_data_and_versions_that_moved_are_named(first: Path, copied: Path) -> None:
    """The trials ran again with other sources, data and packages, and are fresh both times."""

    def moved(plan: Plan) -> None:
        report = write_report(plan, copied / "before")
        for trial in trials(plan, "diabetes", "mse"):
            fingerprint = {
                "files": {"methods/mse.py": "new"},
                "environment": {"python": "3.13", "torch": "2.13.0"},
                "artifacts": {},
            }
            metrics = metrics_of(trial, np.random.default_rng(7))
            data = {"diabetes.csv": "1" * 64}
            store_result(plan, trial, metrics, fingerprint=fingerprint, data=data)
        shutil.rmtree(report)

    texts = reasons_of(compared(first, copied, moved), "diabetes/mse/rmse")
    assert "data moved: diabetes.csv" in texts
    assert "code moved: methods/mse.py" in texts
    (versions,) = [text for text in texts if text.startswith("other versions: ")]
    assert "torch none → 2.13.0" in versions


def test_reruns_with_the_same_numbers_change_no_cell_but_are_told(
    first: Path, copied: Path
) -> None:
    def rerun(plan: Plan) -> None:
        for trial in trials(plan, "diabetes", "mse"):
            path = plan.folder(trial).result
            stored = json.loads(path.read_text())
            stored["data"] = {"diabetes.csv": "1" * 64}
            path.write_text(json.dumps(stored))

    found = compared(first, copied, rerun)
    assert not found.cells
    assert not found.nothing
    text = difference_text(found)
    assert "No cell and no verdict changed." in text
    assert "data moved: diabetes.csv [diabetes/mse]" in text


def test_added_seeds_are_named(first: Path, copied: Path) -> None:
    plan = made_up_plan(copied)
    more = make_plan(plan.spec, "small", copied / "results", Selection(seeds=7))
    fill(more, troubled=False, curves=False)
    found = difference(first / "report", write_report(more, copied / "report"))
    assert "seeds added: 5–6" in reasons_of(found, "gaussian/mse/rmse")
    about = {change.name: (change.before, change.after) for change in found.about}
    assert about["seeds"] == (5, 7)
    assert about["partial"] == (False, True)
    back = difference(copied / "report", first / "report")
    assert "seeds removed: 5–6" in reasons_of(back, "gaussian/mse/rmse")


def test_other_parameters_and_settings_are_named(first: Path, copied: Path) -> None:
    methods = {**SPEC["methods"]}
    methods["mse"] = {**methods["mse"], "params": {"rate": 0.1}}
    methods["vib"] = {**methods["vib"], "params": {"beta": {"sweep": [0.0, 0.01, 0.1, 1.0]}}}
    methods["vib"]["params"]["beta"]["table"] = 0.1
    small = {**SPEC["scales"]["small"], "task": {"epochs": 9}}

    def run(plan: Plan) -> None:
        fill(plan, seed=1, troubled=False, curves=False)

    scales = {**SPEC["scales"], "small": small}
    found = compared(first, copied, run, methods=methods, scales=scales)
    assert "parameter rate: default → 0.1" in reasons_of(found, "gaussian/mse/rmse")
    assert "setting epochs: default → 9" in reasons_of(found, "gaussian/mse/rmse")
    assert "parameter beta: 0.01 → 0.1" in reasons_of(found, "gaussian/vib/rmse")
    assert "spec: methods.vib.params.beta.table" in reasons_of(found, "gaussian/vib/rmse")
    spec = {change.name: (change.before, change.after) for change in found.spec}
    assert spec["methods.vib.params.beta.table"] == (0.01, 0.1)
    assert "scales.small.task.epochs: none → 9" in difference_text(found)


def test_a_claim_that_was_reworded_or_dropped_is_named(first: Path, copied: Path) -> None:
    claims = [{**claim} for claim in SPEC["claims"] if claim["id"] != "robust"]
    claims[0]["text"] = "Other words."
    found = compared(first, copied, claims=claims)
    assert not found.cells
    by_name = {claim.name: claim for claim in found.claims}
    assert by_name["robust"].only == "a"
    kinds = {reason.kind for reason, _ in by_name["beats-mse"].reasons}
    assert kinds == {"family"}
    reworded = [reason.text for reason, _ in by_name["lower-error"].reasons]
    assert "spec: claims.lower-error.text" in reworded
    text = difference_text(found)
    assert "robust: only in the first" in text
    assert "  claims.robust: an entry → none" in text
    assert "its family has 3 claims, had 4" in text


def test_a_change_of_the_harness_alone_is_blamed_on_its_sources(first: Path, copied: Path) -> None:
    report = copied / "report"
    shutil.copytree(first / "report", report)
    content = json.loads((report / "verdicts.json").read_text())
    content["sources"]["repro/statistics/summary.py"] = "0" * 64
    content["cells"][0]["interval"] = [0.0, 1.0]
    (report / "verdicts.json").write_text(json.dumps(content))
    found = difference(first / "report", report)
    assert reasons_of(found, content["cells"][0]["address"]) == [
        "the harness's own sources moved: repro/statistics/summary.py"
    ]


def test_a_second_stage_is_compared_by_its_own_trials(first: Path, copied: Path) -> None:
    plan = made_up_plan(copied)
    content = json.loads((first / "report" / "verdicts.json").read_text())
    (claim,) = [claim for claim in content["claims"] if claim["id"] == "beats-mse"]
    folders = []
    for name, host, verdict in (("a", "laptop", "undecided"), ("b", "node7", "supported")):
        folder = copied / name
        folder.mkdir()
        stage = {"claims": [{**claim, "verdict": verdict}]}
        (folder / "verdicts.json").write_text(json.dumps({**content, "second_stage": stage}))
        for seed in (5, 6):
            trial = replace(trials(plan, "gaussian", "mse")[0], seed=seed)
            store_result(plan, trial, {"rmse": seed / 10 + len(host) / 100}, host=host)
        more = [replace(trial, seed=seed) for trial in plan.trials[:28] for seed in (5, 6)]
        rows = [trial_row(plan.record(trial), plan.seeds) for trial in (*plan.trials, *more)]
        (folder / "trials.parquet").write_bytes(parquet_bytes(rows))
        folders.append(folder)
    found = difference(*folders)
    assert not found.cells
    assert not found.claims
    (item,) = found.second_claims
    assert not found.second_cells
    assert (item.name, item.is_verdict) == ("beats-mse", True)
    ((reason, places),) = item.reasons
    assert "run on laptop and node7" in reason.text
    assert places == ("gaussian/mse",)
    assert "Claims of the second stage with another verdict" in difference_text(found)


def test_cells_of_a_second_stage_have_their_own_heading_and_reasons(
    first: Path, copied: Path
) -> None:
    content = json.loads((first / "report" / "verdicts.json").read_text())
    address = "gaussian/mse/fgsm_rmse@0.1"
    cell = {"address": address, "dataset": "gaussian", "method": "mse", "sentence": "It is near."}
    folders = []
    for name, verdict, label in (("a", "consistent", "Old"), ("b", "reproduced", "New")):
        folder = copied / name
        folder.mkdir()
        stage = {"claims": [], "cells": [{**cell, "verdict": verdict}]}
        spec = json.loads(json.dumps(content["spec"]))
        spec["metrics"]["fgsm_rmse"]["label"] = label
        changed = {**content, "spec": spec, "second_stage": stage}
        (folder / "verdicts.json").write_text(json.dumps(changed))
        shutil.copy(first / "report" / "trials.parquet", folder)
        folders.append(folder)
    found = difference(*folders)
    assert not found.second_claims
    (item,) = found.second_cells
    assert (item.name, item.is_verdict) == (address, True)
    assert [reason.text for reason, _ in item.reasons] == ["spec: metrics.fgsm_rmse.label"]
    text = difference_text(found)
    assert "Cells of the second stage with another verdict or state (1):" in text
    assert "Claims of the second stage" not in text
    assert f"  {address}: verdict consistent → reproduced" in text


def test_a_file_of_the_report_names_it_too(first: Path) -> None:
    report = first / "report"
    assert difference(report / "verdicts.json", report).nothing


def test_what_is_no_report_is_the_users_mistake(first: Path, copied: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere: is no report: name a folder"):
        difference(first / "report", copied / "nowhere")
    (copied / "verdicts.json").write_text("{}")
    with pytest.raises(UserError, match="is no report"):
        difference(copied, first / "report")
    shutil.copy(first / "report" / "verdicts.json", copied)
    with pytest.raises(UserError, match=r"trials\.parquet: is missing"):
        difference(copied, first / "report")
    (copied / "trials.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(UserError, match=r"trials\.parquet: is damaged"):
        difference(copied, first / "report")


def test_reports_on_two_papers_are_not_compared(first: Path, copied: Path) -> None:
    plan = made_up_plan(copied)
    other = replace(plan, spec=replace(plan.spec, paper="another"))
    report = write_report(other, copied / "report")
    with pytest.raises(UserError, match="two papers, made_up and another"):
        difference(first / "report", report)
