"""neucb from the command line: a smoke reproduction, its report, a user's own table."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from smoke_run import FILES, assert_ends_with_report, reproduce, trials, verdicts

PAPER = "neucb"


def test_the_run_ends_with_the_table_a_sentence_and_the_report(run: tuple[Path, str]) -> None:
    assert_ends_with_report(run, "NeuFastCB")


def test_the_report_is_whole(run: tuple[Path, str]) -> None:
    report = run[0]
    assert all((report / name).stat().st_size > 0 for name in FILES)
    content = verdicts(report)
    assert [c["address"] for c in content["cells"] if c["finished"] != c["planned"]] == []
    figures = {path.stem for path in (report / "figures").iterdir()}
    assert {"regret-curves", "regret", "advantage", "regression-regret"} <= figures


def test_every_method_was_tuned_alike_on_rows_of_its_own(run: tuple[Path, str]) -> None:
    tried: Counter[tuple[str, str]] = Counter()
    for folder in (run[0].parent / "trials").iterdir():
        trial = json.loads((folder / "trial.json").read_text())
        setting = trial["setting"]
        if setting["task_settings"].get("rows") == "tuning":
            tried[setting["dataset"], setting["method"]] += 1
            assert trial["seed"] == 1100
            metrics = json.loads((folder / "result.json").read_text())["metrics"]
            assert set(metrics) == {"tuning_regret"}
    assert set(tried.values()) == {1}
    assert len(tried) == 2 * 21  # two sets; uniform play has nothing to tune
    assert set(trials(run[0]).query("purpose == 'table'")["seed"]) == {0, 1}


def test_seeds_ran_together_and_their_cost_says_so(run: tuple[Path, str]) -> None:
    table = trials(run[0]).query("purpose == 'table'")
    assert (table["cost.shared_by"] == 2).all()
    assert "(shared)" in (run[0] / "report.html").read_text()


def test_pinned_metrics(run: tuple[Path, str]) -> None:
    """A tie that rounding breaks the other way changes a whole game: hence the tolerance."""
    table = trials(run[0]).query("purpose == 'table' and dataset == 'wine'")
    regret = table.groupby("method")["metric.regret"].mean()
    pinned = {"neusquarecb": 12.5, "neufastcb": 12.5, "neural_ucb": 13.5, "lin_ucb": 12.0}
    for method, value in pinned.items():
        assert regret[method] == pytest.approx(value, abs=4.0)
    assert regret["uniform"] == pytest.approx(38.5)
    curvature = table.set_index("method")["metric.smallest_curvature"].dropna()
    assert set(curvature.index) >= {"neusquarecb", "neufastcb", "uniform"}


@pytest.mark.slow
def test_a_users_own_table(tmp_path: Path) -> None:
    source = np.random.RandomState(0)
    x = source.standard_normal((120, 3))
    kinds = np.where(x[:, 0] > 0, "high", "low")
    rows = [f"{a:.3f},{b:.3f},{kind},{c:.3f}" for (a, b, c), kind in zip(x, kinds, strict=True)]
    path = tmp_path / "mine.csv"
    path.write_text("\n".join(["a,b,kind,c", *rows]) + "\n")
    methods = "--methods", "neufastcb,lin_ucb,uniform"
    shown = reproduce(PAPER, tmp_path, "--datasets", f"file:{path}?target=kind", *methods)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    report = Path(shown.stdout.strip().rpartition(" ")[2]).parent
    table = trials(report).query("purpose == 'table'")
    regret = table.groupby("method")["metric.regret"].mean()
    assert regret["lin_ucb"] < 0.7 * regret["uniform"]
    path.write_text(path.read_text().replace("high", "1.5").replace("low", ""))
    shown = reproduce(PAPER, tmp_path, "--datasets", f"file:{path}?target=kind", *methods)
    assert shown.returncode == 2
    assert "column 'kind'" in shown.stderr
    assert len(shown.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_smoke_takes_less_than_half_a_minute_of_processor_time(tmp_path: Path) -> None:
    before = os.times().children_user
    assert reproduce(PAPER, tmp_path).returncode == 0
    assert os.times().children_user - before < 60.0  # two cores, half a minute each
