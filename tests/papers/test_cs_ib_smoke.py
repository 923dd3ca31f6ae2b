"""cs_ib from the command line: a smoke reproduction, and a look at its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from programs import require

FILES = ("report.html", "table.md", "table.tex", "macros.tex", "verdicts.json", "trials.parquet")
METHODS = ("cs_ib", "mse", "vib", "nib", "squared_nib", "exp_nib", "hsic")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    results = tmp_path_factory.mktemp("results")
    command = [sys.executable, "-m", "repro", "reproduce", "cs_ib", "--scale", "smoke"]
    shown = subprocess.run(
        [*command, "--results", str(results)],
        capture_output=True,
        text=True,
        env={**os.environ, "OFFLINE": "1", "REPRO_DATA": ""},
        check=False,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return results / "cs_ib" / "smoke" / "report", shown.stdout


def verdicts(report: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((report / "verdicts.json").read_text())
    return content


def test_the_run_ends_with_the_table_a_sentence_and_the_report(run: tuple[Path, str]) -> None:
    report, output = run
    assert "CS-IB" in output
    assert "At smoke scale (direction only)" in output
    assert output.strip().endswith(str(report / "report.html"))


def test_the_report_is_whole(run: tuple[Path, str]) -> None:
    report = run[0]
    assert all((report / name).stat().st_size > 0 for name in FILES)
    content = verdicts(report)
    assert [c["address"] for c in content["cells"] if c["finished"] != c["planned"]] == []
    assert {cell["method"] for cell in content["cells"]} >= set(METHODS)
    assert all(
        claim["verdict"] in ("supported", "contradicted", "undecided")
        for claim in content["claims"]
    )
    figures = {path.name for path in (report / "figures").iterdir()}
    assert {"error.pdf", "error.png", "adversarial-error.pdf", "training-curves.pdf"} <= figures


def test_every_method_was_tuned_alike(run: tuple[Path, str]) -> None:
    trials = pd.read_parquet(run[0] / "trials.parquet")
    table = trials[trials["purpose"] == "table"]
    assert set(table["seed"]) == {0, 1}
    rates = table["params"].map(lambda text: json.loads(text)["learning_rate"])
    # One configuration each at this scale, and the draws of a shared parameter are shared.
    assert rates.nunique() == 1
    assert "Tuning" in (run[0] / "table.md").read_text()


def test_the_pdf_says_what_the_page_says(run: tuple[Path, str]) -> None:
    require("latex", "pdflatex", hint="make system-packages")
    reader = require("latex", "pdftotext", hint="make system-packages")
    pdf = run[0] / "report.pdf"
    shown = subprocess.run([reader, str(pdf), "-"], capture_output=True, text=True, check=True)
    text = " ".join(shown.stdout.replace("’", "'").split())
    assert "Cauchy-Schwarz Divergence Information Bottleneck for Regression" in text
    assert verdicts(run[0])["headline"] in text


def test_every_method_has_measured_costs(run: tuple[Path, str]) -> None:
    trials = pd.read_parquet(run[0] / "trials.parquet")
    assert (trials["cost.wall_seconds"] > 0).all()
    assert (trials["cost.peak_memory_bytes"] > 2**20).all()
    parameters = trials.groupby("method")["cost.parameters"].first()
    # One network for all; a noise head or a noise variance comes on top where a method has one.
    assert parameters["cs_ib"] == parameters["mse"] == parameters["hsic"]
    assert parameters["nib"] == parameters["mse"] + 1
    assert parameters["vib"] > parameters["mse"]
