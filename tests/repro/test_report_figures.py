"""Figures: the numbers behind them, what they leave out, and that nothing drawn overlaps."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from figure_fixtures import ALL_FIGURES, drawn, filled, tuned_plan
from report_fixtures import FIGURES, fill, made_up_plan, store_result

from repro.planning.plan import Plan
from repro.report.figures.content import FigureData, Series
from repro.report.figures.drawing import NARROW, WIDE, draw
from repro.report.figures.style import COLORS, method_styles

Figures = tuple[Plan, dict[str, FigureData]]


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> Figures:
    folder = tmp_path_factory.mktemp("figures")
    plan = filled(folder)
    found = drawn(folder, plan, [f for f in ALL_FIGURES if f["kind"] != "tuning"])
    tuned = tmp_path_factory.mktemp("tuned")
    kept = [f for f in ALL_FIGURES if f["kind"] == "tuning"]
    return plan, found | drawn(tuned, tuned_plan(tuned), kept)


def test_a_frontier_joins_the_settings_in_the_order_of_the_sweep(figures: Figures) -> None:
    found = figures[1]["information-plane"]
    assert [panel.title for panel in found.panels] == ["Gaussian noise", "Skewed noise"]
    points = found.panels[0].series[0].points
    costs = [point.x for point in points]
    assert len(costs) == 4
    assert costs == sorted(costs, reverse=True)
    assert [point.joined for point in points] == [False, True, True, True]
    assert found.y_label == "I(T;Y) [bits]"


def test_levels_begin_with_the_base_metric(figures: Figures) -> None:
    points = figures[1]["adversarial-error"].panels[0].series[0].points
    assert [point.x for point in points] == [0.0, 0.05, 0.1, 0.2]


def test_curves_are_means_over_the_tables_seeds(figures: Figures) -> None:
    points = figures[1]["training-curves"].panels[0].series[0].points
    assert [point.x for point in points] == list(range(0, 60, 3))
    assert all(p.y_interval is not None and p.y_interval[0] < p.y < p.y_interval[1] for p in points)


def test_cells_without_a_mean_say_why(figures: Figures) -> None:
    found = figures[1]["error"]
    series = {(p.title, s.method): s for p in found.panels for s in p.series}
    remarks = {key: [r.text for r in s.remarks] for key, s in series.items() if s.remarks}
    assert remarks["Skewed noise", "nib"] == ["✕ failed"]
    assert remarks["Diabetes", "released"] == ["▲ diverged 1/5"]
    assert remarks["Skewed noise", "hsic"] == ["◐ incomplete 3/5"]
    assert all(not series[key].points for key in remarks)
    assert found.left_out == ("Heavy tails is left out: infinite variance",)


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Figures:
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
    return plan, drawn(folder, plan)


def _of(figure: FigureData, method: str, title: str = "Gaussian noise") -> Series:
    panel = next(panel for panel in figure.panels if panel.title == title)
    return next(s for s in panel.series if s.method == method)


def test_no_point_is_a_mean_over_the_survivors(troubled: Figures) -> None:
    frontier = _of(troubled[1]["information-plane"], "vib")
    assert len(frontier.points) == 3
    assert frontier.note == "▲ 1 of 4 points diverged"
    levels = _of(troubled[1]["adversarial-error"], "nib")
    assert [point.x for point in levels.points] == [0.0, 0.05, 0.1]
    assert levels.note == "▲ 1 of 4 points diverged"


def test_no_line_crosses_a_point_that_is_not_drawn(troubled: Figures) -> None:
    frontier = _of(troubled[1]["information-plane"], "vib")
    # β = 0, 0.01, (0.1 diverged), 1: the last point stands alone.
    assert [point.joined for point in frontier.points] == [False, True, False]


def test_no_mean_is_drawn_of_a_part_of_the_seeds(troubled: Figures) -> None:
    levels = _of(troubled[1]["adversarial-error"], "hsic")
    assert levels.points == ()
    assert levels.note == "◐ 4 of 4 points incomplete"
    assert _of(troubled[1]["adversarial-error"], "mse").note == ""


def test_a_curve_ends_where_the_first_of_its_runs_ends(troubled: Figures) -> None:
    curve = _of(troubled[1]["training-curves"], "mse")
    assert [point.x for point in curve.points] == list(range(0, 24, 3))
    assert curve.note == "▲ 12 of 20 steps diverged or ended early"


def test_the_curve_of_an_unfinished_cell_is_left_out(tmp_path: Path) -> None:
    plan = made_up_plan(tmp_path)
    fill(plan, troubled=False)
    trials = [t for t in plan.trials if t.setting.method == "mse" and t.setting.in_table]
    for trial in (t for t in trials if t.setting.dataset == "gaussian" and t.seed < 2):
        plan.folder(trial).result.unlink()
    curve = _of(drawn(tmp_path, plan)["training-curves"], "mse")
    assert curve.points == ()
    assert curve.note == "◐ 3 of 5 seeds finished"


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", ["information-plane", "adversarial-error", "training-curves"])
def test_notes_stand_above_the_panel_within_the_figure(
    troubled: Figures, name: str, narrow: bool
) -> None:
    plan, data = troubled
    figure = draw(data[name], method_styles(plan.spec.methods, ["bottleneck"]), narrow=narrow)
    figure.draw_without_rendering()
    notes = [text for axes in figure.axes for text in axes.texts if text.get_text()]
    texts = [" ".join(note.get_text().split()) for note in notes]
    assert any("points diverged: " in text or "early: MSE" in text for text in texts)
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
    found = drawn(tmp_path, plan)["information-plane"]
    assert [panel.title for panel in found.panels] == ["Gaussian noise"]
    assert found.left_out == ("Skewed noise is left out: no mean can be given there yet",)


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("name", [figure["id"] for figure in ALL_FIGURES])
def test_labels_and_legends_do_not_overlap(figures: Figures, name: str, narrow: bool) -> None:
    plan, data = figures
    styles = method_styles(plan.spec.methods, ["bottleneck"])
    figure = draw(data[name], styles, narrow=narrow)
    figure.draw_without_rendering()
    boxes = [axes.get_tightbbox() for axes in figure.axes if axes.axison]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    for index, one in enumerate(boxes):
        for other in boxes[index + 1 :]:
            assert not one.padded(-1).overlaps(other.padded(-1))
    width = figure.bbox.width
    assert all(box.x0 >= -1 and box.x1 <= width + 1 for box in boxes)
    assert figure.get_figwidth() == (NARROW if narrow else WIDE)


def test_all_kinds_have_a_figure_here() -> None:
    kinds = {figure["kind"] for figure in ALL_FIGURES}
    assert len(kinds) == 16
    assert {figure["kind"] for figure in FIGURES["figures"]} < kinds


def test_each_method_looks_different_and_the_same_everywhere() -> None:
    names = [f"method{index}" for index in range(2 * len(COLORS))]
    styles = method_styles(names, ["method0"])
    assert len({(s.color, s.marker) for s in styles.values()}) == len(names)
    assert styles == method_styles(names, ["method0"])
