"""One smoke run of the paper that a file of tests names as its ``PAPER``."""

from __future__ import annotations

from pathlib import Path

import pytest
from smoke_run import reproduce


@pytest.fixture(scope="module")
def run(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    """The report's folder, and what the terminal showed."""
    results, paper = tmp_path_factory.mktemp("results"), request.module.PAPER
    shown = reproduce(paper, results)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return results / paper / "smoke" / "report", shown.stdout
