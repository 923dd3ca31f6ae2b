"""What stands in one place of a table: state and verdicts, each once, the second stage's last."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_fixtures import SPEC, made_up_plan, store_result

from repro.cells.settling import address_of
from repro.files import write_json
from repro.planning.plan import Plan
from repro.planning.seal import sealed_number
from repro.report.document import make_document
from repro.report.table import Entry, Mark
from repro.settle import SecondStage, second_plan

NUMBER = {"dataset": "gaussian", "method": "mse", "metric": "rmse", "value": "0.40", "n": 5}
NUMBER |= {"source": "Table 2", "spread": "0.01", "spread_kind": "sd", "margin": "0.05"}
OLD: dict[str, Any] = {"files": {"old.py": "0" * 64}, "environment": {}, "artifacts": {}}


def two_stages(folder: Path) -> Plan:
    """Return a plan of one printed cell whose second stage of six seeds reproduces the number."""
    scale = {"datasets": ["gaussian"], "seeds": 5}
    methods = {key: SPEC["methods"][key] for key in ("bottleneck", "mse")}
    plan = made_up_plan(
        folder,
        "paper",
        scales=SPEC["scales"] | {"paper": scale},
        methods=methods,
        claims=[],
        reported=[NUMBER],
    )
    (number,) = plan.spec.reported
    address = address_of(number)
    stage = SecondStage(
        claims=(),
        hopeless=(),
        first_seed=5,
        seeds=6,
        planned="2026-01-03T00:00:00+00:00",
        cells=(address,),
        sealed={address: sealed_number(number)},
    )
    plan.paths.base.mkdir(parents=True)
    write_json(plan.paths.second_stage, vars(stage))
    second = second_plan(plan)
    assert second is not None
    for trial in second.trials:
        store_result(second, trial, {"rmse": 0.4 + 0.001 * (trial.seed - 7)})
    return plan


def entry_of(plan: Plan) -> Entry:
    document = make_document(plan, plan.records())
    (found,) = [e for table in document.tables for e in table.entries if e.printed]
    return found


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("stale", ["stale 5/5", "reproduced, second stage"]),
        ("missing", ["incomplete 0/5", "reproduced, second stage"]),
        ("diverged", ["diverged 5/5", "reproduced, second stage"]),
        ("far", ["falls short", "reproduced, second stage"]),
    ],
)
def test_the_second_stages_verdict_stands_beside_whatever_the_first_says(
    tmp_path: Path, case: str, words: list[str]
) -> None:
    plan = two_stages(tmp_path)
    values = {"stale": 0.4, "diverged": math.nan, "far": 0.9}
    for trial in plan.trials if case in values else ():
        metrics = {"rmse": values[case] + 0.001 * trial.seed}
        changes = {"fingerprint": OLD} if case == "stale" else {}
        store_result(plan, trial, metrics, **changes)
    entry = entry_of(plan)
    assert [mark.words for mark in entry.marks] == words
    assert all(mark.sentence for mark in entry.marks)
    assert entry.marks[-1].sentence.startswith("Ours minus the printed 0.40 is")
    if case == "stale":
        assert "0 of 5 runs are there (5 stale)" in entry.marks[0].sentence
    alone = replace(entry, second=None)
    assert [mark.words for mark in alone.marks] == words[:-1]


def test_a_state_without_a_verdict_has_no_second_stage_either() -> None:
    assert Entry(None).marks == ()
    assert Entry(None, state="failed", symbol="✕").marks == (Mark("✕", "failed"),)
