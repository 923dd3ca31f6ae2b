"""Every spec of the repository against the live classes that it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from repro.paths import TABLES
from repro.report.figures.spec import load_figures
from repro.spec import available_papers, load_spec
from repro.spec.signatures import check_signatures


@pytest.mark.parametrize("paper", available_papers())
def test_a_spec_fits_its_classes(
    paper: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path))
    spec = load_spec(paper)
    check_signatures(spec, TABLES / f"{paper}.yaml")
    assert load_figures(spec), "a paper shows its headline figure"
    assert {"smoke", "small", "paper"} == set(spec.scales)
    assert spec.claims, "a paper without claims has nothing to say"
    assert spec.deviations, "what the paper leaves out is written down"
