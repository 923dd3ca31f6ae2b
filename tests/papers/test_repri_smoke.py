"""repri from the command line: a smoke reproduction, and a look at its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

FILES = ("report.html", "table.md", "table.tex", "macros.tex", "verdicts.json", "trials.parquet")
BASELINES = ("prototype", "panet", "linear_head", "support_threshold")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    results = tmp_path_factory.mktemp("results")
    command = [sys.executable, "-m", "repro", "reproduce", "repri", "--scale", "smoke"]
    shown = subprocess.run(
        [*command, "--results", str(results)],
        capture_output=True,
        text=True,
        env={**os.environ, "OFFLINE": "1", "REPRO_DATA": ""},
        check=False,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return results / "repri" / "smoke" / "report", shown.stdout


def verdicts(report: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((report / "verdicts.json").read_text())
    return content


@pytest.mark.slow
def test_the_run_ends_with_the_table_a_sentence_and_the_report(run: tuple[Path, str]) -> None:
    report, output = run
    assert "RePRI" in output
    assert "At smoke scale (direction only)" in output
    assert output.strip().endswith(str(report / "report.html"))


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
    trials = pd.read_parquet(run[0] / "trials.parquet")
    table = trials[trials["purpose"] == "table"]
    assert set(table["seed"]) == {0, 1}
    # Two kinds of training on two seeds; the table's trials alone are listed.
    used = {name for text in trials["artifacts"] for name in json.loads(text)}
    assert len(used) == 4
    rates = table["params"].map(json.loads)
    drawn = {params["learning_rate"] for params in rates if "learning_rate" in params}
    # One configuration each at this scale, and the draws of a shared parameter are shared.
    assert len(drawn) == 1


@pytest.mark.slow
def test_every_method_has_measured_costs(run: tuple[Path, str]) -> None:
    trials = pd.read_parquet(run[0] / "trials.parquet")
    assert (trials["cost.wall_seconds"] > 0).all()
    parameters = trials.groupby("method")["cost.parameters"].first()
    assert parameters.nunique() == 1
