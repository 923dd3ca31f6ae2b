"""How the report words and lays out what is hard to place: long tables, both sides, effort."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from golden_report import GOLDEN, golden_plan
from latex_programs import HINT, require_latex
from programs import require
from report_fixtures import fill, made_up_plan, store_result

from repro import paths
from repro.claims.words import _grouped, describe_sides, unit_of
from repro.planning.plan import Plan, with_choices
from repro.report import build_report
from repro.report.document import Document, make_document
from repro.report.earlier_tuning import earlier_configurations
from repro.report.parts import rests_on, shared_limits
from repro.statistics import Comparison

#: Points from a page's edges that the text of an A4 report of 17 cm keeps free, but for what
#: microtype lets hang over, and the page's number.
LEFT, TOP, BOTTOM = 51.0, 55.0, 24.0


@pytest.fixture(scope="module")
def golden(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, Document]:
    plan = golden_plan(tmp_path_factory.mktemp("wording"))
    return plan, make_document(plan, plan.records())


def many_methods(folder: Path) -> Plan:
    """Return a plan of 13 tuned methods with long names on 4 data sets, all of it stored."""
    methods = {
        f"rival{i}": {
            "use": f"made_up.Rival{i}",
            "role": "method" if i == 0 else "baseline",
            "label": f"Nonlinear bottleneck of kind {i}, squared",
        }
        for i in range(13)
    }
    space = {name: {"learning_rate": [0.000123, 0.5], "beta": [0.1, 0.2]} for name in methods}
    changes: dict[str, Any] = {
        "methods": methods,
        "claims": [],
        "tuning": {
            "budget": 4,
            "search": "grid",
            "seeds": [1000],
            "select": {"metric": "information"},
            "space": space,
        },
    }
    plan = made_up_plan(folder, **changes)
    for trial in plan.tuning_trials:
        store_result(plan, trial, {"information": 1.0 - trial.setting.params["learning_rate"]})
    plan = with_choices(plan)
    fill(plan, curves=False, troubled=False)
    return plan


def words_outside(path: Path) -> list[str]:
    """Return the words of a PDF that stand in the margins."""
    program = require("latex", "pdftotext", hint=HINT)
    command = [program, "-bbox", str(path), "-"]
    page = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    width, height = map(float, re.findall(r'<page width="([\d.]+)" height="([\d.]+)"', page)[0])
    box = re.compile(
        r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*?)<'
    )
    found = [(*map(float, match[:4]), match[4]) for match in box.findall(page)]
    assert found
    return [
        str(word)
        for left, top, right, bottom, word in found
        if left < LEFT or right > width - LEFT or top < TOP or bottom > height - BOTTOM
    ]


def test_a_long_ledger_stays_within_the_margins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_latex()
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "no-figures")
    plan = many_methods(tmp_path)
    folder = build_report(plan, plan.records()).directory
    assert words_outside(folder / "report.pdf") == []
    assert (folder / "report.tex").read_text().count("Tuning per method and data set") == 1


def test_both_sides_of_a_claim_are_named() -> None:
    sides = describe_sides(Comparison(5, "t", 0.997, 0.003))
    assert sides == "p of the claim 0.997, of its opposite 0.003"


def test_a_difference_of_percentages_is_in_points(golden: tuple[Plan, Document]) -> None:
    finding = next(f for c in golden[1].claims for f in c.findings if f.unit == "%" and f.signed)
    assert unit_of(finding) == "percentage points"
    assert unit_of(replace(finding, unit="s")) == "s"


def test_reasons_that_differ_in_their_place_alone_are_counted() -> None:
    reasons = [f"VIB on set {i}: no declared budget lies within both curves" for i in range(9)]
    tested = [f"VIB on set {i}" for i in range(9)] + ["NIB on set 1"]
    assert _grouped([*reasons, "NIB on set 1: one seed"], tested) == (
        "9 of 10 comparisons: no declared budget lies within both curves",
        "NIB on set 1: one seed",
    )


def test_no_best_while_a_rival_is_unfinished(golden: tuple[Plan, Document]) -> None:
    table = golden[1].tables[0]
    stars = [
        any(row.entries[index].best for row in table.rows) for index in range(len(table.columns))
    ]
    # fold0 is whole; a rival is stale, failed or incomplete on each of the others.
    assert stars == [True, False, False, False]


def test_tuning_and_the_second_stage_are_counted(golden: tuple[Plan, Document]) -> None:
    plan, document = golden
    others = {cost.label: cost for cost in document.costs if not cost.method}
    assert others["Tuning"].trials == len(plan.tuning_trials)
    assert others["Tuning"].total == pytest.approx(sum(e.hours * 3600 for e in plan.ledger))
    assert document.second_stage is not None
    assert others["Second stage"].trials == len(document.second_stage.records)
    states = dict(document.provenance.states)
    assert states["Tuning"] == (("done", len(plan.tuning_trials)),)


def test_configurations_of_an_earlier_space_are_counted(tmp_path: Path) -> None:
    plan = golden_plan(tmp_path)
    assert earlier_configurations(plan) == {}
    trial = next(t for t in plan.tuning_trials if t.setting.method == "repri")
    for temperature in (80, 160):
        setting = replace(trial.setting, params={"temperature": temperature})
        for seed in (1000, 1001):
            earlier = replace(trial, setting=setting, seed=seed)
            store_result(plan, earlier, {"validation_miou": 1.0})
            plan.folder(earlier).trial.write_text(json.dumps({"setting": asdict(setting)}))
    place = (trial.setting.dataset, "repri")
    assert earlier_configurations(plan) == {place: 2}
    tuning = make_document(plan, plan.records()).tuning
    assert tuning is not None
    notes = [c.note for effort in tuning.efforts for c in effort.choices if c.note]
    assert "2 earlier configurations, no longer planned, were tried as well" in notes


def test_only_a_task_of_its_own_keeps_tuning_from_the_test_fold(
    golden: tuple[Plan, Document],
) -> None:
    tuning = golden[1].tuning
    assert tuning is not None
    assert GOLDEN["tuning"].get("task") is None
    assert "test fold" not in tuning.selected


def test_an_undecided_claim_rests_on_its_reason(golden: tuple[Plan, Document]) -> None:
    untested = [claim for claim in golden[1].claims if claim.reasons]
    assert untested
    assert all(rests_on(claim) == claim.reasons[0] for claim in untested)


def test_a_limit_of_several_claims_is_said_once(golden: tuple[Plan, Document]) -> None:
    claims = [replace(claim, notes=("few seeds",)) for claim in golden[1].claims]
    document = replace(golden[1], claims=tuple(claims))
    assert shared_limits(document) == {"few seeds": len(claims)}


def test_without_a_trial_the_headline_says_so(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    assert make_document(plan, plan.records()).sentence == "No trial has run yet."
