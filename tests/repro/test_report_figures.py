"""Figures: their specs, the numbers behind them, and that nothing drawn overlaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from report_fixtures import FIGURES, PAPER, filled_plan, write_figures, write_spec

from repro import paths
from repro.aggregate import aggregate
from repro.errors import UserError
from repro.plan import Plan
from repro.report.drawing import draw
from repro.report.figure_data import FigureData, figure_data
from repro.report.figure_spec import load_figures
from repro.report.style import COLORS, method_styles


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, dict[str, FigureData]]:
    folder = tmp_path_factory.mktemp("figures")
    plan, records = filled_plan(folder)
    write_figures(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "FIGURES", folder)
        specs = load_figures(plan.spec)
    data = aggregate(plan, records)
    return plan, {spec.id: figure_data(spec, plan, data) for spec in specs}


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
