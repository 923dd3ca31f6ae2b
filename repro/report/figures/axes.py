"""Axes: ticks, logarithmic scales, and the break behind which a zero stands on them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import (
    FixedLocator,
    FuncFormatter,
    Locator,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from repro.report.figures.content import Panel
from repro.report.figures.style import INK


@dataclass(frozen=True)
class Across:
    """Where values of ``x`` stand: as they are, or a zero before the break of a log axis.

    ``zero``  the place given to 0 on a logarithmic axis; ``None`` where none is needed
    ``ends``  least and greatest value above 0
    """

    log: bool
    zero: float | None = None
    ends: tuple[float, float] = (1.0, 1.0)

    def __call__(self, x: float) -> float:
        """Return where ``x`` is drawn."""
        return self.zero if self.zero is not None and x == 0 else x


def across(panel: Panel, log: str) -> Across:
    """Return the places of a panel's values of ``x``."""
    values = [point.x for series in panel.series for point in series.points]
    if "x" not in log:
        return Across(False)
    ends = _ends(values)
    return Across(True, _before(ends) if 0.0 in values else None, ends)


def _ends(values: Iterable[float]) -> tuple[float, float]:
    positive = [value for value in values if value > 0] or [1.0]
    return min(positive), max(positive)


def _before(ends: tuple[float, float]) -> float:
    """Return a place for 0, a fifth of the axis (at least half a decade) below the least value."""
    low, high = ends
    return low / max(math.sqrt(10), math.pow(high / low, 0.2))


def finish(axes: Axes, places: Across, log: str) -> None:
    """Give the axes their scales and a few ticks each."""
    if "y" in log:
        axes.set_yscale("log")
        few_ticks(axes.yaxis)
    else:
        axes.yaxis.set_major_locator(MaxNLocator(5))
    if not places.log:
        axes.xaxis.set_major_locator(MaxNLocator(5))
        return
    axes.set_xscale("log")
    few_ticks(axes.xaxis)
    if places.zero is not None:
        _break(axes, places, places.zero)


def _break(axes: Axes, places: Across, zero: float) -> None:
    """Mark the break between 0 and the least value above it, and tick both sides."""
    low, high = places.ends
    margin = (high / zero) ** 0.05
    axes.set_xlim(zero / margin, high * margin)
    ticks = _decades(low, high)
    axes.xaxis.set_major_locator(FixedLocator([zero, *ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: "0" if x == zero else short(x)))
    middle = math.sqrt(zero * low)
    axes.plot(
        [middle / 1.12, middle * 1.12],
        [0, 0],
        transform=axes.get_xaxis_transform(),
        linestyle="none",
        marker=[(-0.5, -1), (0.5, 1)],
        markersize=9,
        markeredgewidth=0.9,
        color=INK,
        clip_on=False,
    )


def few_ticks(axis: Axis) -> None:
    """Give a logarithmic axis few numbers, however long it is, and small ticks between them."""
    axis.set_major_locator(FewLogTicks())
    axis.set_major_formatter(FuncFormatter(lambda x, _: short(x)))
    axis.set_minor_locator(LogLocator(subs=range(2, 10), numticks=50))
    axis.set_minor_formatter(NullFormatter())


class FewLogTicks(Locator):
    """As many round numbers as fit: 1, 2, 5 of each decade, 1 and 3, or powers of ten alone.

    matplotlib's own names every minor tick of an axis that is shorter than a decade, and only the
    powers of ten, perhaps one, of an axis that is a little longer.
    """

    most = 6

    def __call__(self) -> Sequence[float]:
        """Return the ticks of the axis as it is now."""
        assert self.axis is not None  # as matplotlib's own locators have it
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """Return the ticks between two values above 0."""
        low, high = sorted((vmin, vmax))
        if not 0 < low < high:
            return [low]
        for steps in ((1, 2, 5), (1, 3), (1,)):
            found = _multiples(low, high, steps)
            if len(found) <= self.most:
                break
        if len(found) < 3 and steps == (1, 2, 5):
            return [float(tick) for tick in MaxNLocator(4).tick_values(low, high) if tick > 0]
        return found if len(found) <= self.most else _decades(low, high, self.most)


def _multiples(low: float, high: float, steps: Sequence[int]) -> list[float]:
    """Return the ``steps`` of each decade between the ends, which count with them."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in steps]
    return [tick for tick in ticks if low * (1 - 1e-9) <= tick <= high * (1 + 1e-9)]


def short(value: float) -> str:
    """Return a number as an axis shows it: thousands as k, millions as M, far ones as powers."""
    for least, size, unit in ((1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if least <= value < 1e9:
            return f"{value / size:g}{unit}"
    if 1e-3 <= value < 1e4 or value <= 0:
        return f"{value:g}"
    power = math.floor(math.log10(value) + 1e-9)
    mantissa = value / 10.0**power
    head = "" if math.isclose(mantissa, 1.0) else rf"{mantissa:.3g}\times"
    return f"${head}10^{{{power}}}$"


def _decades(low: float, high: float, most: int = 5) -> Sequence[float]:
    """Return powers of ten between the ends, thinned out; the ends where there are fewer than 2."""
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    if last <= first:
        return sorted({low, high})
    step = math.ceil((last - first + 1) / most)
    return [10.0**power for power in range(first, last + 1, step)]
