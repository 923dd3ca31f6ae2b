"""A whole report for fixed trials, compared with the one that is committed.

``KLAIM_GOLDEN=write pytest tests/repro/test_report_golden.py`` writes ``tests/repro/golden`` anew:
look at the difference before you commit it.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from golden_report import golden_plan
from latex_programs import compiled_text, pdf_text, require_latex, too_wide
from report_fixtures import PAPER

from repro import paths
from repro.planning.plan import Plan
from repro.report import build_report, pdf

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("KLAIM_GOLDEN") == "write"

#: What each kind of trouble is called, in every format.
STATES = ["stale 5/5", "failed", "incomplete 3/5", "diverged 1/5", "single run"]
VERDICTS = ["reproduced", "exceeds", "falls short", "consistent", "inconclusive"]


@dataclass(frozen=True)
class Built:
    plan: Plan
    folder: Path

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def verdicts(self) -> dict[str, Any]:
        content = json.loads(self.text("verdicts.json"))
        del content["sources"]  # they change with every edit of the harness
        return dict(content)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("golden")
    plan = golden_plan(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "FIGURES", folder / "no-figures")
        return Built(plan, build_report(plan, plan.records()).directory)


def expected(name: str, present: str) -> str:
    """Return the committed text; where it is to be written, the present one."""
    if WRITE:
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(present)
    return (GOLDEN / name).read_text()


@pytest.mark.parametrize("name", ["table.md", "table.tex"])
def test_tables_are_as_committed(built: Built, name: str) -> None:
    assert built.text(name) == expected(name, built.text(name))


def test_verdicts_are_as_committed(built: Built) -> None:
    present = json.dumps(built.verdicts(), indent=1, ensure_ascii=False) + "\n"
    assert_alike(json.loads(present), json.loads(expected("verdicts.json", present)), "verdicts")


def test_the_paper_is_as_committed(built: Built) -> None:
    require_latex()
    present = pdf_text(built.folder / "report.pdf")
    # The page that says so is the one line that depends on the interpreter.
    present = re.sub(r"python 3\.\d+", "python 3", present)
    assert present.split() == expected("report.txt", present).split()


def assert_alike(present: Any, committed: Any, place: str) -> None:
    """Compare two JSON values; numbers may differ as far as another processor's do."""
    if isinstance(committed, dict):
        assert present.keys() == committed.keys(), place
        for key, value in committed.items():
            assert_alike(present[key], value, f"{place}.{key}")
    elif isinstance(committed, list):
        assert len(present) == len(committed), place
        for index, value in enumerate(committed):
            assert_alike(present[index], value, f"{place}[{index}]")
    elif isinstance(committed, float) and isinstance(present, float):
        assert math.isclose(present, committed, rel_tol=1e-6, abs_tol=1e-12), place
    else:
        assert present == committed, place


@pytest.mark.parametrize("name", ["table.md", "table.tex", "report.tex", "report.html"])
@pytest.mark.parametrize("word", [*STATES, *VERDICTS])
def test_every_state_and_verdict_is_seen(built: Built, name: str, word: str) -> None:
    assert word in built.text(name)


@pytest.mark.parametrize("word", [*STATES, *VERDICTS])
def test_every_state_and_verdict_is_seen_in_the_pdf(built: Built, word: str) -> None:
    require_latex()
    assert word in pdf_text(built.folder / "report.pdf")


def test_every_state_and_verdict_is_in_the_file_for_programs(built: Built) -> None:
    cells = {cell["address"]: cell for cell in built.verdicts()["cells"]}
    found = {
        "fold1/prototype": "stale",
        "fold2/linear": "failed",
        "fold3/linear": "incomplete",
        "fold1/no_proportion": "diverged",
        "fold3/oracle": "single run",
    }
    assert {place: cells[f"{place}/miou_1shot"]["state"] for place in found} == found
    assert cells["fold1/no_proportion/miou_1shot"]["mean"] is None
    against = {cell["against_paper"]["verdict"] for cell in cells.values() if cell["against_paper"]}
    assert against == {*VERDICTS, "single run"}


def test_printed_numbers_stand_beside_ours_as_printed(built: Built) -> None:
    for name in ("table.md", "table.tex", "report.html", "report.tex"):
        for printed in built.plan.spec.reported:
            assert printed.value in built.text(name), (name, printed.value)
    assert "README at aa54b19b" in built.text("report.html")


def test_tuning_shows_who_tried_more_and_what_lies_at_an_edge(built: Built) -> None:
    for name in ("table.md", "report.html", "report.tex"):
        text = built.text(name)
        assert "3 against 2 of Prototype" in text, name
        assert "(edge)" in text, name
        assert "seeds 1000, 1001 that no table uses" in text, name
    ledger = built.verdicts()["tuning"]
    assert {entry["method"] for entry in ledger} == set(built.plan.methods)
    trials = {trial.trial_id for trial in built.plan.tuning_trials}
    assert {t for e in ledger for c in e["configurations"] for t in c["trials"]} == trials
    assert all(trial in built.text("report.html") for trial in trials)


def test_the_second_stage_stands_beside_the_first(built: Built) -> None:
    second = built.verdicts()["second_stage"]
    last = second["seeds"][-1]
    assert second["seeds"] == list(range(5, last + 1))
    (claim,) = second["claims"]
    assert claim["family_size"] == 1
    (cell,) = second["cells"]
    assert cell["address"] == "fold3/repri/miou_1shot"
    assert cell["verdict"] == "reproduced"
    first = next(
        entry["against_paper"]
        for entry in built.verdicts()["cells"]
        if (entry["dataset"], entry["method"], entry["metric"]) == ("fold3", "repri", "miou_1shot")
    )
    assert first["verdict"] == "inconclusive"
    assert first["further_seeds"] <= len(second["seeds"])
    for name in ("table.md", "report.html", "report.tex"):
        assert f"{last - 4} new seeds (5 to {last})" in built.text(name), name
        assert "Second stage, on seeds of its own" in built.text(name), name
    assert all(trial in built.text("report.html") for trial in second["trials"])


def test_the_seal_is_told(built: Built) -> None:
    for name in ("table.md", "report.html", "report.tex", "verdicts.json"):
        assert "sealed on 2026-01-01" in built.text(name), name


def test_no_line_of_the_paper_sticks_out(built: Built) -> None:
    require_latex()
    compiled = pdf.compile_pdf(built.text("report.tex"), {})
    assert compiled.state == "made"
    assert too_wide(compiled.log) == []


def test_tables_and_macros_alone_fit_into_someone_elses_paper(built: Built, tmp_path: Path) -> None:
    files = {name: (built.folder / name).read_bytes() for name in ("table.tex", "macros.tex")}
    cell = rf"\klaim{{{PAPER}/paper/fold0/repri/miou_1shot}}"
    claim = rf"\klaim{{{PAPER}/paper/claim/competitive-at-one-shot}}"
    source = (
        r"\documentclass{article}\usepackage{booktabs,siunitx}\begin{document}"
        rf"\input{{macros}}Cell {cell}, claim {claim}.\input{{table}}\end{{document}}"
    )
    text = compiled_text(source, files, tmp_path)
    assert re.search(r"Cell 60\.\d ± 0\.\d, claim supported\.", text)
    assert "reproduced" in text


def test_a_trial_that_is_gone_changes_what_rests_on_it_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "no-figures")
    monkeypatch.setattr(pdf, "PROGRAM", "no-such-latex")
    plan = golden_plan(tmp_path)
    before = Built(plan, build_report(plan, plan.records()).directory).verdicts()
    gone = next(
        trial
        for trial in plan.trials
        if (trial.setting.dataset, trial.setting.method, trial.seed) == ("fold0", "prototype", 3)
    )
    plan.folder(gone).result.unlink()
    after = Built(plan, build_report(plan, plan.records()).directory).verdicts()

    cells = changed(before["cells"], after["cells"], "address")
    assert cells == {
        "fold0/prototype/miou_1shot",
        "fold0/prototype/miou_5shot",
    }
    # Of what is said over all data sets, that which has the method or is relative to it.
    overall = changed(before["overall"], after["overall"], "id")
    relative = {"repri", "linear", "no_proportion", "oracle"}
    assert overall == {"mean/prototype", *(f"improvement/{method}" for method in relative)}
    # The paper's claims that compare with it on that data set. Our controls do not.
    claims = changed(before["claims"], after["claims"], "id")
    assert claims == {"competitive-at-one-shot", "gain-at-five-shots", "close-to-the-oracle"}
    assert {key for key in before if before[key] != after[key]} == {
        "cells",
        "overall",
        "claims",
        "headline",
    }


def changed(before: list[dict[str, Any]], after: list[dict[str, Any]], key: str) -> set[str]:
    """Return the names of the entries that differ; both lists name the same ones."""
    old, new = ({entry[key]: entry for entry in entries} for entries in (before, after))
    assert old.keys() == new.keys()
    return {str(name) for name, entry in old.items() if entry != new[name]}
