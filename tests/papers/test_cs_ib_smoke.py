"""cs_ib from the command line: a smoke reproduction, and a look at its report."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from programs import require
from smoke_run import FILES, assert_ends_with_report, trials, verdicts

PAPER = "cs_ib"
METHODS = ("cs_ib", "mse", "vib", "nib", "squared_nib", "exp_nib", "hsic")


def test_the_run_ends_with_the_table_a_sentence_and_the_report(run: tuple[Path, str]) -> None:
    assert_ends_with_report(run, "CS-IB")


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
    table = trials(run[0]).query("purpose == 'table'")
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
    listed = trials(run[0])
    assert (listed["cost.wall_seconds"] > 0).all()
    assert (listed["cost.peak_memory_bytes"] > 2**20).all()
    parameters = listed.groupby("method")["cost.parameters"].first()
    # One network for all; a noise head or a noise variance comes on top where a method has one.
    assert parameters["cs_ib"] == parameters["mse"] == parameters["hsic"]
    assert parameters["nib"] == parameters["mse"] + 1
    assert parameters["vib"] > parameters["mse"]
