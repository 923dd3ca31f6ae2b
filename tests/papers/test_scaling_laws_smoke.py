"""scaling_laws from the command line: a smoke reproduction, its report, a user's own text."""

from __future__ import annotations

from pathlib import Path

import pytest
from smoke_run import FILES, assert_ends_with_report, reproduce, trials, verdicts

PAPER = "scaling_laws"
SIZES = (1, 4, 9, 16, 36, 64)


@pytest.mark.slow
def test_the_run_ends_with_the_table_a_sentence_and_the_report(run: tuple[Path, str]) -> None:
    assert_ends_with_report(run, "Power law + constant")


@pytest.mark.slow
def test_the_report_is_whole(run: tuple[Path, str]) -> None:
    report = run[0]
    assert all((report / name).stat().st_size > 0 for name in FILES)
    content = verdicts(report)
    headline = ("size_error", "compute_error", "forecast_error")
    cells = [cell for cell in content["cells"] if cell["address"].endswith(headline)]
    assert len(cells) == 2 * 5 * 3
    assert all(cell["finished"] == cell["planned"] == 2 for cell in cells)
    figures = {path.stem for path in (report / "figures").iterdir()}
    assert {"size", "best-size", "errors-size", "divergence", "extrapolation"} <= figures


@pytest.mark.slow
def test_a_seeds_models_are_trained_once_for_all_methods(run: tuple[Path, str]) -> None:
    table = trials(run[0])
    losses = table.groupby(["dataset", "seed"])[[f"metric.loss@{size}" for size in SIZES]]
    assert (losses.nunique() == 1).all().all()
    artefacts = list(run[0].parent.parent.parent.rglob("rung.json"))
    assert len(artefacts) == 2 * 2 * len(SIZES)


@pytest.mark.slow
def test_pinned_metrics(run: tuple[Path, str]) -> None:
    """Ten steps on one machine's arithmetic; another rounds otherwise, hence the tolerance."""
    table = trials(run[0]).query("method == 'scaling_laws'").groupby("dataset").mean(True)
    chain, sums = table.loc["markov_chain"], table.loc["mathematics"]
    assert chain["metric.loss@1"] == pytest.approx(2.920, abs=0.02)
    assert chain["metric.loss@64"] == pytest.approx(2.457, abs=0.03)
    assert chain["metric.divergence@1"] == pytest.approx(1.299, abs=0.02)
    assert chain["metric.constant"] == pytest.approx(1.94, abs=0.3)
    assert sums["metric.loss@64"] == pytest.approx(1.101, abs=0.02)
    assert sums["metric.extrapolation_loss@64"] == pytest.approx(1.110, abs=0.03)
    last = trials(run[0]).query("method == 'last_value' and dataset == 'markov_chain'")
    law = trials(run[0]).query("method == 'scaling_laws' and dataset == 'markov_chain'")
    by_hand = (law["metric.loss@36"] - law["metric.loss@64"]).abs()
    assert last["metric.size_error"].tolist() == pytest.approx(by_hand.tolist())


@pytest.mark.slow
def test_a_users_own_text(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("the quick brown fox jumps over the lazy dog\n" * 200)
    methods = "--methods", "scaling_laws,last_value", "--seeds", "1"
    shown = reproduce(PAPER, tmp_path, "--datasets", f"file:{path}", *methods)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    report = Path(shown.stdout.strip().rpartition(" ")[2]).parent
    assert trials(report).query("method == 'scaling_laws'")["metric.loss@64"].between(0, 6).all()
    path.write_text("too short")
    shown = reproduce(PAPER, tmp_path, "--datasets", f"file:{path}", *methods)
    assert shown.returncode == 2
    assert len(shown.stderr.strip().splitlines()) == 1
