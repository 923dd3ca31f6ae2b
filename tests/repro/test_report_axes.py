"""Axes of the report's figures: limits near the means, ticks where something was measured."""

from __future__ import annotations

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from repro.report.figures import painters
from repro.report.figures.content import Panel, Point, Series
from repro.report.figures.style import MethodStyle, method_styles

METHOD = "bottleneck"


@pytest.fixture
def axes() -> Axes:
    return Figure().subplots()


@pytest.fixture
def styles() -> dict[str, MethodStyle]:
    return method_styles([METHOD], [METHOD])


def panel(*points: Point) -> Panel:
    return Panel("Gaussian noise", (Series(METHOD, "CS-IB", points),))


def test_a_whisker_far_beyond_the_means_is_cut_and_marked(
    axes: Axes, styles: dict[str, MethodStyle]
) -> None:
    wide = Point(0.2, 1.1, (-50.0, 50.0), (1.0, 1.2))
    painters.planes(axes, panel(Point(0.1, 1.0), wide), "", styles)
    assert axes.get_xlim() == pytest.approx((0.0, 0.3))
    arrows = {line.get_marker(): line.get_xdata()[0] for line in axes.lines}
    assert (arrows["<"], arrows[">"]) == (pytest.approx(0.0), pytest.approx(0.3))
    assert "^" not in arrows


def test_whiskers_of_the_means_size_are_left_whole(
    axes: Axes, styles: dict[str, MethodStyle]
) -> None:
    near = Point(0.2, 1.1, (0.15, 0.25), (1.05, 1.15))
    painters.planes(axes, panel(Point(0.1, 1.0), near), "", styles)
    assert axes.get_xlim()[1] >= 0.25
    assert not {"<", ">"} & {line.get_marker() for line in axes.lines}


@pytest.mark.parametrize("log", ["", "x"])
def test_levels_have_a_tick_each(axes: Axes, styles: dict[str, MethodStyle], log: str) -> None:
    levels = [0.05, 0.1, 0.2, 0.3]
    painters.levels(axes, panel(*(Point(x, 1.0) for x in levels)), log, styles)
    assert list(axes.get_xticks()) == levels
    formatter = axes.xaxis.get_major_formatter()
    assert [formatter(x) for x in levels] == ["0.05", "0.1", "0.2", "0.3"]


def test_epochs_are_whole_numbers(axes: Axes, styles: dict[str, MethodStyle]) -> None:
    painters.bands(axes, panel(*(Point(float(x), 1.0) for x in range(3))), "", styles)
    assert all(tick == int(tick) for tick in axes.get_xticks())
