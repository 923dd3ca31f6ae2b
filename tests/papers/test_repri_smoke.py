"""repri from the command line: a smoke reproduction, and a look at its report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from smoke_run import FILES, assert_ends_with_report, trials, verdicts

PAPER = "repri"
BASELINES = ("prototype", "panet", "linear_head", "support_threshold")


@pytest.mark.slow
def test_the_run_ends_with_the_table_a_sentence_and_the_report(run: tuple[Path, str]) -> None:
    assert_ends_with_report(run, "RePRI")


@pytest.mark.slow
def test_the_report_is_whole(run: tuple[Path, str]) -> None:
    report = run[0]
    assert all((report / name).stat().st_size > 0 for name in FILES)
    content = verdicts(report)
    assert [c["address"] for c in content["cells"] if c["finished"] != c["planned"]] == []
    assert {cell["method"] for cell in content["cells"]} >= {
        "repri",
        *BASELINES,
        "repri_novel_choice",
    }
    figures = {path.name for path in (report / "figures").iterdir()}
    assert {"shots.pdf", "terms.png", "pictures.png", "speed.pdf"} <= figures


@pytest.mark.slow
def test_base_networks_are_shared_and_every_tunable_method_was_tuned_alike(
    run: tuple[Path, str],
) -> None:
    listed = trials(run[0])
    table = listed[listed["purpose"] == "table"]
    assert set(table["seed"]) == {0, 1}
    # Two kinds of training on two seeds; the table's trials alone are listed.
    used = {name for text in listed["artifacts"] for name in json.loads(text)}
    assert len(used) == 4
    rates = table["params"].map(json.loads)
    drawn = {params["learning_rate"] for params in rates if "learning_rate" in params}
    # One configuration each at this scale, and the draws of a shared parameter are shared.
    assert len(drawn) == 1


@pytest.mark.slow
def test_every_method_has_measured_costs(run: tuple[Path, str]) -> None:
    listed = trials(run[0])
    assert (listed["cost.wall_seconds"] > 0).all()
    parameters = listed.groupby("method")["cost.parameters"].first()
    assert parameters.nunique() == 1
