"""What stands in one place of a table: state and verdicts, each once, the second stage's last."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_fixtures import SPEC, made_up_plan, store_result

from repro.cells.settling import address_of
from repro.files import write_json
from repro.planning.plan import Plan
from repro.planning.seal import sealed_number
from repro.report import wording
from repro.report.document import make_document
from repro.report.latex_table import legend
from repro.report.page import html
from repro.report.parts import verdict_sentences
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


def measured_by(folder: Path, method: str, **changes: Any) -> Plan:
    """Return a plan in which one method alone measures the attacks, and another the error too."""
    methods = {key: SPEC["methods"][key] for key in ("bottleneck", "mse")}
    plan = made_up_plan(folder, methods=methods, claims=[], **changes)
    for trial in plan.trials:
        metrics = {"rmse": 0.5 + 0.01 * trial.seed}
        if trial.setting.method == method and trial.setting.dataset != "skewed":
            metrics |= {f"fgsm_rmse@{level}": 0.6 + 0.01 * trial.seed for level in (0.05, 0.2)}
        store_result(plan, trial, metrics)
    return plan


def test_levels_that_one_method_measures_are_one_table_of_data_sets(tmp_path: Path) -> None:
    plan = measured_by(tmp_path, "mse")
    document = make_document(plan, plan.records())
    (table,) = [one for one in document.other_tables if one.metric.label == "RMSE under FGSM"]
    assert [column.label for column in table.columns] == ["0.05", "0.2"]
    ((heading, rows),) = table.groups
    assert heading == "MSE"
    assert [row.label for row in rows] == ["Diabetes", "Gaussian noise", "Heavy tails"]
    for row in rows:
        for column, entry in zip(table.columns, row.entries, strict=True):
            assert entry.cell is document.data.cell(row.dataset, "mse", column.metric)
    page = html(document, [], {})
    assert '<th scope="col">Data set</th><th scope="col">0.05</th>' in page
    anchors = re.findall(r'<tr class="\w+" id="(row[^"]+)"', page)
    assert len(anchors) == len(set(anchors))


def test_who_is_alone_is_not_the_best(tmp_path: Path) -> None:
    plan = measured_by(tmp_path, "mse")
    document = make_document(plan, plan.records())
    (attacked,) = [one for one in document.other_tables if one.metric.label == "RMSE under FGSM"]
    (clean,) = document.tables
    assert clean.has_best
    assert not attacked.has_best
    assert wording.BEST_MEANS in legend(clean)
    assert legend(attacked) == legend(clean).partition(r" $\star$")[0]


def test_a_verdict_on_a_printed_number_of_a_level_says_on_which_data_set(tmp_path: Path) -> None:
    scales = SPEC["scales"] | {"paper": {"datasets": ["gaussian", "heavy"], "seeds": 5}}
    number = NUMBER | {"method": "mse", "metric": "fgsm_rmse@0.2"}
    methods = {key: SPEC["methods"][key] for key in ("bottleneck", "mse")}
    datasets = SPEC["datasets"] | {"gaussian": {"label": "Gaussian noise", "shared": "the noise"}}
    changes = {"scales": scales, "methods": methods, "datasets": datasets}
    plan = made_up_plan(tmp_path, "paper", claims=[], reported=[number], **changes)
    for trial in plan.trials:
        levels = {"fgsm_rmse@0.2": 0.4 + 0.001 * trial.seed}
        metrics = {"rmse": 0.5, **(levels if trial.setting.method == "mse" else {})}
        store_result(plan, trial, metrics)
    document = make_document(plan, plan.records())
    ((place, mark),) = verdict_sentences(document)
    assert place == "MSE on Gaussian noise, RMSE under FGSM @ 0.2"
    assert mark.sentence.endswith(
        "It is conditional on what all seeds share: the noise (Gaussian noise)."
    )
    # The paper's number stands beside ours, and a dash where it prints none.
    page = html(document, [], {})
    assert '<td class="printed">0.40 ± 0.01</td>' in page
    assert '<td class="printed">—</td>' in page
