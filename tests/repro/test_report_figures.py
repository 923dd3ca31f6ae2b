"""Figures: their specs, the numbers behind them, and that nothing drawn overlaps."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import yaml
from report_fixtures import (
    FIGURES,
    PAPER,
    SPEC,
    fill,
    filled_plan,
    made_up_plan,
    store_result,
    write_figures,
    write_spec,
)

from repro import paths
from repro.aggregate import aggregate
from repro.errors import UserError
from repro.plan import Plan
from repro.report.drawing import draw
from repro.report.figure_data import FigureData, Series, figure_data
from repro.report.figure_spec import load_figures
from repro.report.style import COLORS, method_styles
from repro.spec import available_papers, load_spec

FRONTIER = {"kind": "frontier", "x": "compression", "y": "information", "sweep": "beta"}


def _drawn(folder: Path, plan: Plan) -> dict[str, FigureData]:
    write_figures(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "FIGURES", folder)
        specs = load_figures(plan.spec)
    data = aggregate(plan, plan.records())
    return {spec.id: figure_data(spec, plan, data) for spec in specs}


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, dict[str, FigureData]]:
    folder = tmp_path_factory.mktemp("figures")
    plan, _ = filled_plan(folder)
    return plan, _drawn(folder, plan)


def test_a_frontier_joins_the_settings_in_the_order_of_the_sweep(
    figures: tuple[Plan, dict[str, FigureData]],
) -> None:
    found = figures[1]["information-plane"]
    assert [panel.title for panel in found.panels] == ["Gaussian noise", "Skewed noise"]
    costs = [point.x for point in found.panels[0].series[0].points]
    assert len(costs) == 4
    assert costs == sorted(costs, reverse=True)
    assert found.y_label == "I(T;Y) [bits]"


def test_levels_begin_with_the_base_metric(
    figures: tuple[Plan, dict[str, FigureData]],
) -> None:
    points = figures[1]["adversarial-error"].panels[0].series[0].points
    assert [point.x for point in points] == [0.0, 0.05, 0.1, 0.2]


def test_curves_are_means_over_the_tables_seeds(
    figures: tuple[Plan, dict[str, FigureData]],
) -> None:
    found = figures[1]["training-curves"]
    points = found.panels[0].series[0].points
    assert [point.x for point in points] == list(range(0, 60, 3))
    assert all(point.y_half > 0 for point in points)


def test_cells_without_a_number_say_why(figures: tuple[Plan, dict[str, FigureData]]) -> None:
    found = figures[1]["error"]
    notes = {(p.title, s.method): s.note for p in found.panels for s in p.series if s.note}
    assert notes["Skewed noise", "nib"] == "✕ failed"
    assert notes["Diabetes", "released"] == "▲ diverged 1/5"
    assert found.left_out == ("Heavy tails is left out: infinite variance",)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, dict[str, FigureData]]:
    """One run of VIB at β = 0.1 diverged, one of MSE stopped logging, one of HSIC is not there."""
    folder = tmp_path_factory.mktemp("troubled")
    plan = made_up_plan(folder)
    fill(plan, troubled=False)
    for trial in plan.trials:
        setting = trial.setting
        if setting.dataset != "gaussian" or trial.seed != 1:
            continue
        curves, result = plan.folder(trial).curves, plan.folder(trial).result
        if setting.method == "vib" and setting.swept["beta"] == 0.1:
            metrics = json.loads(result.read_text())["metrics"]
            store_result(plan, trial, dict.fromkeys(metrics, math.nan))
        if setting.method == "nib":
            metrics = json.loads(result.read_text())["metrics"]
            store_result(plan, trial, metrics | {"fgsm_rmse@0.2": math.inf})
        if setting.method == "mse":
            curves.write_text("".join(curves.read_text().splitlines(keepends=True)[:8]))
        if setting.method == "hsic":
            result.unlink()
    return plan, _drawn(folder, plan)


def _of(figure: FigureData, method: str) -> Series:
    return next(s for s in figure.panels[0].series if s.method == method)


def test_no_point_is_a_mean_over_the_survivors(
    troubled: tuple[Plan, dict[str, FigureData]],
) -> None:
    frontier = _of(troubled[1]["information-plane"], "vib")
    assert len(frontier.points) == 3
    assert frontier.note == "▲ 1 of 4 points diverged"
    index = [panel.title for panel in troubled[1]["adversarial-error"].panels].index(
        "Gaussian noise"
    )
    levels = {s.method: s for s in troubled[1]["adversarial-error"].panels[index].series}
    assert [point.x for point in levels["nib"].points] == [0.0, 0.05, 0.1]
    assert levels["nib"].note == "▲ 1 of 4 points diverged"
    assert levels["hsic"].note == "◐ 4 of 4 points incomplete"
    assert levels["mse"].note == ""


def test_a_curve_ends_where_the_first_of_its_runs_ends(
    troubled: tuple[Plan, dict[str, FigureData]],
) -> None:
    curve = _of(troubled[1]["training-curves"], "mse")
    assert [point.x for point in curve.points] == list(range(0, 24, 3))
    assert curve.note == "▲ 12 of 20 steps diverged or ended early"


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", ["information-plane", "adversarial-error", "training-curves"])
def test_notes_stand_above_the_panel_within_the_figure(
    troubled: tuple[Plan, dict[str, FigureData]], name: str, narrow: bool
) -> None:
    plan, data = troubled
    figure = draw(data[name], method_styles(plan.spec.methods, ["bottleneck"]), narrow=narrow)
    figure.draw_without_rendering()
    notes = [text for axes in figure.axes for text in axes.texts if text.get_text()]
    assert any("points diverged: " in t.get_text() or "early: MSE" in t.get_text() for t in notes)
    for note in notes:
        box, title = note.get_window_extent(), note.axes.title.get_window_extent()
        assert not box.padded(-1).overlaps(title.padded(-1))
        assert not box.padded(-1).overlaps(note.axes.get_window_extent().padded(-1))
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width


def test_a_data_set_on_which_every_mean_is_missing_is_named(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    fill(plan, troubled=False)
    for trial in plan.trials:
        if trial.setting.dataset == "skewed":
            plan.folder(trial).result.unlink()
    found = _drawn(tmp_path, plan)["information-plane"]
    assert [panel.title for panel in found.panels] == ["Gaussian noise"]
    assert found.left_out == ("Skewed noise is left out: no mean can be given there yet",)


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", [figure["id"] for figure in FIGURES["figures"]])
def test_labels_and_legends_do_not_overlap(
    figures: tuple[Plan, dict[str, FigureData]], name: str, narrow: bool
) -> None:
    plan, data = figures
    figure = draw(data[name], method_styles(plan.spec.methods, ["bottleneck"]), narrow=narrow)
    figure.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in figure.axes if axes.axison]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            assert not one.padded(-1).overlaps(other.padded(-1))
    width = figure.bbox.width
    assert all(box.x0 >= -1 and box.x1 <= width + 1 for box in boxes)


def test_each_method_looks_different_and_the_same_everywhere() -> None:
    names = [f"method{index}" for index in range(len(COLORS))]
    styles = method_styles(names, ["method0"])
    assert len({(s.color, s.marker) for s in styles.values()}) == len(names)
    assert styles == method_styles(names, ["method0"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kindd": "points"}, "unknown key 'kindd'"),
        ({"metric": "rmsee"}, "unknown metric 'rmsee'; did you mean 'rmse'"),
        ({"methods": ["vibb"]}, "unknown method 'vibb'; did you mean 'vib'"),
        ({"datasets": ["gausian"]}, "did you mean 'gaussian'"),
        ({"metric": ""}, "metric: required for kind 'points'"),
        ({"kind": "levels"}, "'rmse' has no levels"),
        ({"kind": "levels", "metric": "fgsm_rms"}, "did you mean 'fgsm_rmse'"),
        ({"metric": "fgsm_rmse@0.3"}, "did you mean 'fgsm_rmse@0.2'"),
        ({"metric": "fgsm_rmse"}, "unknown metric 'fgsm_rmse'"),
        ({"id": "a/b"}, "an id names files"),
        (FRONTIER | {"x": "compresion"}, ".x: unknown metric 'compresion'; did you mean"),
        (FRONTIER | {"sweep": "bata"}, "unknown swept parameter 'bata'; did you mean 'beta'"),
        (FRONTIER | {"methods": ["mse"]}, "'mse' has no sweep of 'beta'"),
        ({"kind": "bars"}, "kind"),
    ],
)
def test_a_wrong_figure_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], message: str
) -> None:
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")
    spec = write_spec(tmp_path / "tables")
    figure = {"id": "error", "kind": "points", "title": "Error", "metric": "rmse"} | change
    (tmp_path / "figures").mkdir()
    path = tmp_path / "figures" / f"{PAPER}.yaml"
    path.write_text(yaml.safe_dump({"figures": [figure]}))
    with pytest.raises(UserError) as caught:
        load_figures(spec)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_two_figures_of_one_name_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "FIGURES", tmp_path)
    spec = write_spec(tmp_path / "tables")
    figure = {"id": "error", "kind": "points", "title": "Error", "metric": "rmse"}
    (tmp_path / f"{PAPER}.yaml").write_text(yaml.safe_dump({"figures": [figure, figure]}))
    with pytest.raises(UserError, match="this id is used twice"):
        load_figures(spec)


def test_levels_that_are_no_numbers_cannot_be_an_axis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "FIGURES", tmp_path)
    metrics = SPEC["metrics"] | {
        "attack": {"label": "Attack", "better": "lower", "levels": ["weak", "strong"]}
    }
    spec = write_spec(tmp_path / "tables", metrics=metrics)
    figure = {"id": "attack", "kind": "levels", "title": "Attack", "metric": "attack"}
    (tmp_path / f"{PAPER}.yaml").write_text(yaml.safe_dump({"figures": [figure]}))
    with pytest.raises(UserError, match="level 'weak' of 'attack' is no number"):
        load_figures(spec)


@pytest.mark.parametrize("paper", available_papers())
def test_the_papers_own_figures_name_what_their_specs_have(paper: str) -> None:
    assert load_figures(load_spec(paper))
