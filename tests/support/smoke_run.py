"""A paper's smoke reproduction from the command line, and what stands in its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

#: What every report has.
FILES = ("report.html", "table.md", "table.tex", "macros.tex", "verdicts.json", "trials.parquet")


def reproduce(paper: str, results: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a paper at scale smoke, without data and network, as a user would."""
    command = [sys.executable, "-m", "repro", "reproduce", paper, "--scale", "smoke"]
    return subprocess.run(
        [*command, *arguments, "--results", str(results)],
        capture_output=True,
        text=True,
        env={**os.environ, "OFFLINE": "1", "REPRO_DATA": ""},
        check=False,
    )


def verdicts(report: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((report / "verdicts.json").read_text())
    return content


def trials(report: Path) -> pd.DataFrame:
    return pd.read_parquet(report / "trials.parquet")


def assert_ends_with_report(run: tuple[Path, str], label: str) -> None:
    """Fail unless a run ended with its table, the sentence on its scale, and the report's place."""
    report, output = run
    assert label in output
    assert "At smoke scale (direction only)" in output
    assert output.strip().endswith(str(report / "report.html"))
