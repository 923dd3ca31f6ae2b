"""The numbers of each kind of figure, computed by hand, apart from any drawing."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figure_fixtures import drawn, figure_plan, filled, store_images, tuned_plan
from report_fixtures import COMMENSURABLE, SPEC, fill, store_result

from repro.cells.aggregate import aggregate
from repro.claims import decide
from repro.planning.plan import Plan
from repro.report.figures.content import FigureData, Series
from repro.report.figures.fitted import fitted
from repro.report.figures.spec import FigureSpec

#: Student's t quantile of 97.5 % with 2 and with 4 degrees of freedom, from a printed table.
T2, T4 = 4.303, 2.776


def _series(figure: FigureData, method: str, title: str = "Gaussian noise") -> Series:
    panel = next(panel for panel in figure.panels if panel.title in (title, ""))
    return next(series for series in panel.series if series.method == method)


def _figure(kind: str, **keys: Any) -> dict[str, Any]:
    return {"id": "one", "kind": kind, "title": "One", **keys}


def _one(folder: Path, plan: Plan, kind: str, **keys: Any) -> FigureData:
    return drawn(folder, plan, [_figure(kind, **keys)])["one"]


def _set(plan: Plan, values: dict[tuple[str, float | None], list[float]], metric: str) -> None:
    """Store ``metric`` for (method, β) on Gaussian noise, one value per seed."""
    for trial in plan.trials:
        setting = trial.setting
        key = (setting.method, setting.swept.get("beta"))
        if setting.dataset == "gaussian" and key in values and trial.seed < len(values[key]):
            store_result(plan, trial, {metric: values[key][trial.seed]})


def _interval(values: list[float], quantile: float) -> tuple[float, float]:
    half = quantile * statistics.stdev(values) / math.sqrt(len(values))
    return statistics.mean(values) - half, statistics.mean(values) + half


def test_a_sweep_is_the_mean_with_its_interval_at_each_value(tmp_path: Path) -> None:
    plan = figure_plan(tmp_path)
    swept = {("vib", beta): [1.0 + beta, 2.0 + beta, 6.0 + beta] for beta in (0.0, 0.1, 1.0)}
    _set(plan, swept | {("vib", 0.01): [1.0, 2.0, 3.0, 4.0, 5.0]}, "rmse")
    found = _one(tmp_path, plan, "sweep", metric="rmse", sweep="beta", log="x")
    points = _series(found, "vib").points
    assert [(p.x, p.y) for p in points] == [
        (0.0, 3.0),
        (0.01, 3.0),
        (0.1, pytest.approx(3.1)),
        (1.0, 4.0),
    ]
    assert points[0].y_interval == pytest.approx(_interval([1.0, 2.0, 6.0], T2), abs=2e-3)
    assert points[1].y_interval == pytest.approx(_interval([1.0, 2.0, 3.0, 4.0, 5.0], T4), abs=2e-3)
    assert "stands before its break" in found.reading
    assert "Diabetes is left out: beta is not swept there" in found.left_out


def test_a_sweep_breaks_at_an_unfinished_value(tmp_path: Path) -> None:
    plan = figure_plan(tmp_path)
    values = {("vib", 0.0): [1.0] * 3, ("vib", 0.01): [1.0] * 4, ("vib", 0.1): [1.0, 2.0, 3.0]}
    _set(plan, values | {("vib", 1.0): [1.0, math.inf, 2.0]}, "rmse")
    found = _one(tmp_path, plan, "sweep", metric="rmse", sweep="beta")
    series = _series(found, "vib")
    assert [(p.x, p.joined) for p in series.points] == [(0.0, False), (0.1, False)]
    assert series.note == "▲ 1 of 4 points diverged; ◐ 1 of 4 points incomplete"


def test_a_log_axis_leaves_out_what_has_no_place_on_it(tmp_path: Path) -> None:
    plan = figure_plan(tmp_path)
    values = {("vib", b): [b - 0.5, b - 0.5, b - 0.5] for b in (0.0, 0.1, 1.0)}
    _set(plan, values | {("vib", 0.01): [0.2] * 5}, "rmse")
    series = _series(_one(tmp_path, plan, "sweep", metric="rmse", sweep="beta", log="y"), "vib")
    assert [point.x for point in series.points] == [0.01, 1.0]
    assert series.note == "⊘ 2 of 4 points not above 0"


def test_bars_are_a_group_per_data_set(tmp_path: Path) -> None:
    plan = filled(tmp_path)
    found = _one(tmp_path, plan, "bars", metric="rmse")
    (panel,) = found.panels
    assert panel.categories == ("Diabetes", "Gaussian noise", "Skewed noise")
    nib = _series(found, "nib")
    assert [point.x for point in nib.points] == [0, 1]
    assert [(remark.at, remark.text) for remark in nib.remarks] == [(2, "✕ failed")]
    assert nib.note == "✕ failed on Skewed noise"
    cell = aggregate(plan, plan.records()).cells["gaussian", "nib", "rmse"]
    assert nib.points[1].y == pytest.approx(statistics.mean(cell.values.values()))
    assert found.left_out == ("Heavy tails is left out: infinite variance",)


def test_a_scatter_has_a_mark_for_every_finished_seed(tmp_path: Path) -> None:
    plan = figure_plan(tmp_path)
    values = {("mse", None): [0.5, 0.7, math.nan, 0.9]}
    for trial in plan.trials:
        setting = trial.setting
        if (setting.dataset, setting.method) == ("gaussian", "mse") and trial.seed < 4:
            y = values["mse", None][trial.seed]
            store_result(plan, trial, {"rmse": y, "compression": 10.0 + trial.seed})
    found = _one(tmp_path, plan, "scatter", x="compression", y="rmse")
    series = _series(found, "mse")
    assert [(p.x, p.y) for p in series.points] == [(10.0, 0.5), (11.0, 0.7), (13.0, 0.9)]
    assert not any(point.joined for point in series.points)
    assert series.note == "▲ 1 of 5 seeds diverged; ◐ 1 of 5 seeds missing"


def test_a_scatter_of_settings_has_their_means(tmp_path: Path) -> None:
    plan = filled(tmp_path)
    keys: dict[str, Any] = {"x": "compression", "y": "information", "methods": ["vib"]}
    cloud = _series(_one(tmp_path, plan, "scatter", per="setting", **keys), "vib")
    line = _series(_one(tmp_path, plan, "frontier", sweep="beta", **keys), "vib")
    assert {(p.x, p.y) for p in cloud.points} == {(p.x, p.y) for p in line.points}
    assert len(cloud.points) == 4


def test_a_fit_recovers_the_line_and_its_band_holds_the_seeds_spread(tmp_path: Path) -> None:
    plan = figure_plan(tmp_path)
    shifts = (-0.3, 0.1, 0.2)
    _set(
        plan,
        {("vib", b): [1 + 2 * b + s for s in shifts] for b in (0.0, 0.01, 0.1, 1.0)},
        "rmse",
    )
    for trial in plan.trials:  # the table's value has five seeds; the two further add no shift
        if trial.setting.method == "vib" and trial.setting.in_table and trial.seed > 2:
            store_result(plan, trial, {"rmse": 1.02})
    found = _one(tmp_path, plan, "fit", metric="rmse", sweep="beta", form="linear")
    series = _series(found, "vib")
    assert series.note == ""
    ends = series.curve[0], series.curve[-1]
    assert [point.x for point in ends] == [0.0, 1.0]
    assert [point.y for point in ends] == pytest.approx([1.0, 3.0])
    # All places share the shift of a seed, so the band is that of the mean shift all along; the
    # extreme draws are three times one seed, at its shift times √(3 / 2).
    for point in ends:
        assert point.y_interval is not None
        low, high = point.y_interval
        assert low - point.y == pytest.approx(-0.3 * math.sqrt(1.5))
        assert high - point.y == pytest.approx(0.2 * math.sqrt(1.5))


def test_a_fit_without_a_point_draws_no_curve(tmp_path: Path) -> None:
    plan = figure_plan(tmp_path)
    values = {("vib", b): [1.0, 2.0, 3.0] for b in (0.0, 0.1)}
    _set(plan, values | {("vib", 1.0): [1.0, math.nan, 3.0]}, "rmse")
    series = _series(_one(tmp_path, plan, "fit", metric="rmse", sweep="beta", form="linear"), "vib")
    assert (len(series.points), series.curve) == (2, ())
    assert series.note == "▲ 1 of 4 points diverged; ◐ 1 of 4 points incomplete; ? no curve"


@pytest.mark.parametrize(
    ("seeds", "form", "note"),
    [
        (2, "linear", "? no band: fewer than 3 seeds"),
        (3, "exponential_with_constant", "? no curve: 4 points are fewer than 5 parameters"),
    ],
)
def test_a_fit_says_what_it_lacks(
    tmp_path: Path, seeds: int, form: str, note: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scale = SPEC["scales"]["small"] | {"seeds": seeds}
    scale["sweep"] = {"datasets": ["gaussian"], "seeds": seeds}
    plan = figure_plan(tmp_path, scales={"small": scale})
    fill(plan, troubled=False)
    if form != "linear":
        from repro.curves import FORMS, Form

        many = Form("", ("a", "b", "c", "d", "e"), False, "rate", True)
        monkeypatch.setitem(FORMS, form, many)
    figure = FigureSpec("one", "fit", "One", metric="rmse", sweep="beta", form=form)
    series = fitted(figure, "gaussian", "vib", aggregate(plan, plan.records()))
    assert series.note == note
    assert bool(series.curve) == (form == "linear")


def test_an_advantage_is_what_the_claim_found(tmp_path: Path) -> None:
    plan = filled(tmp_path, troubled=False)
    data = aggregate(plan, plan.records())
    verdict = next(v for v in decide(plan, data) if v.claim.id == "robust")
    found = _one(tmp_path, plan, "advantage", claim="robust")
    marks = {
        (panel.title, name): series.points[0]
        for panel in found.panels
        for name, series in zip(panel.categories, panel.series, strict=True)
    }
    assert len(marks) == len(verdict.findings) == 16
    for finding in verdict.findings:
        title = SPEC["datasets"][finding.dataset]["label"]
        point = marks[title, SPEC["methods"][finding.rival]["label"]]
        ours, theirs = (
            np.mean(list(data.cells[finding.dataset, m, "fgsm_rmse@0.1"].values.values()))
            for m in ("bottleneck", finding.rival)
        )
        assert point.x == pytest.approx(theirs - ours)
        assert point.x_interval == finding.interval
        assert point.filled == (finding.interval[0] > 0 or finding.interval[1] < 0)
    assert all(panel.bounds == (0.0, None) for panel in found.panels)
    assert found.panels[0].x_label == "RMSE under FGSM: advantage"


def test_an_advantage_names_budgets_units_and_what_is_left_out(tmp_path: Path) -> None:
    found = _one(tmp_path, filled(tmp_path, troubled=False), "advantage", claim="trade-off")
    assert [panel.categories for panel in found.panels] == [("VIB, at 0.5",)] * 2
    assert found.panels[0].x_label == "I(T;Y): advantage [bits]"
    (text,) = found.left_out
    assert text.startswith("Left out: ")
    assert "5 against VIB on Skewed noise" in text


def test_an_advantage_without_an_estimate_says_why(tmp_path: Path) -> None:
    plan = filled(tmp_path, troubled=False)
    trial = next(
        t for t in plan.trials if (t.setting.dataset, t.setting.method) == ("gaussian", "mse")
    )
    path = plan.folder(trial).result
    metrics = json.loads(path.read_text())["metrics"]
    store_result(plan, trial, dict.fromkeys(metrics, math.nan))
    series = _series(_one(tmp_path, plan, "advantage", claim="robust"), "mse")
    assert series.points == ()
    assert series.remarks[0].text.startswith("runs diverged")


def test_images_are_those_of_the_seed_and_missing_ones_say_why(tmp_path: Path) -> None:
    plan = filled(tmp_path)
    keys: dict[str, Any] = {"files": ["input.png", "recon.png"], "methods": ["mse", "vib", "nib"]}
    found = _one(tmp_path, plan, "images", seed=2, datasets=["skewed"], **keys)
    (panel,) = found.panels
    assert (panel.categories, panel.columns) == (("MSE", "VIB", "NIB"), ("input", "recon"))
    shown = {(p.row, p.column): p.path or p.reason for p in panel.pictures}
    trial = next(
        t
        for t in plan.trials
        if (t.setting.dataset, t.setting.method, t.seed) == ("skewed", "mse", 2)
    )
    assert shown[0, 1] == plan.folder(trial).path / "artifacts" / "recon.png"
    assert (shown[1, 1], shown[2, 0]) == ("no file", "✕ failed")
    assert found.reading == "Seed 2 of the table's setting."


def test_images_that_no_trial_wrote_leave_no_panel(tmp_path: Path) -> None:
    plan = figure_plan(tmp_path)
    fill(plan, troubled=False, curves=False)
    store_images(plan)
    found = _one(tmp_path, plan, "images", files=["other.png"], datasets=["skewed"])
    assert found.panels == ()
    assert found.left_out == ("Skewed noise is left out: no image is there yet",)


def test_tuning_shows_every_score_and_the_choice(tmp_path: Path) -> None:
    plan = tuned_plan(tmp_path)
    found = _one(tmp_path, plan, "tuning")
    entries = {(e.dataset, e.method): e for e in plan.ledger}
    scores = [tried.score for tried in entries["gaussian", "nib"].configurations]
    points = _series(found, "nib").points
    assert sorted(point.x for point in points) == sorted(scores)
    (chosen,) = [point for point in points if point.filled]
    assert chosen.x == min(scores)
    assert [panel.categories for panel in found.panels] == [("MSE", "NIB")] * 4
    # Of the first method on the first data set, one diverged and one has not run.
    mse = _series(found, "mse", "Diabetes")
    assert len(mse.points) == 2
    assert not any(point.filled for point in mse.points)
    assert mse.remarks[0].text == "▲ 1 diverged, ◐ 1 waiting"
    assert "on validation data" in found.reading


def test_a_profile_is_the_share_of_better_runs(tmp_path: Path) -> None:
    entry = {"id": "p", "metric": "rmse", "statistic": "profile"}
    plan = figure_plan(tmp_path, overall=[entry], metrics=COMMENSURABLE)
    fill(plan, troubled=False, curves=False)
    data = aggregate(plan, plan.records())
    found = _one(tmp_path, plan, "profile", overall="p", methods=["mse", "nib"])
    for series in found.panels[0].series:
        for point in series.points:
            shares = [
                np.mean([v < point.x for v in data.cells[d, series.method, "rmse"].values.values()])
                for d in ("diabetes", "gaussian", "skewed")
            ]
            assert point.y == pytest.approx(np.mean(shares))
            assert point.y_interval is not None
            assert point.y_interval[0] <= point.y <= point.y_interval[1]


def test_a_profile_leaves_out_methods_with_runs_outstanding(tmp_path: Path) -> None:
    plan = filled(tmp_path)
    found = _one(tmp_path, plan, "profile", overall="profile")
    assert {s.method for s in found.panels[0].series} == {
        "bottleneck",
        "mse",
        "released",
        "symmetric",
    }
    assert found.left_out[:3] == (
        "VIB is left out: stale 5/5 on Diabetes",
        "NIB is left out: failed on Skewed noise",
        "HSIC bottleneck is left out: incomplete 3/5 on Skewed noise",
    )
