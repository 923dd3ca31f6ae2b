"""How every figure looks: fonts, lines, and one colour, marker, dash and hatch per method.

Plain matplotlib draws them. Seaborn would compute means and intervals of its own, by other rules
than this report's; given finished numbers it draws the same matplotlib artists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

#: Points of the smallest text: ticks and notes.
SMALL = 8.0

#: Text and axes. The page replaces this exact colour with its own ink, so that inline figures
#: follow light and dark.
INK = "#0a0b0c"

#: The eight hues of Okabe and Ito (2008, "Color Universal Design"), the pale ones darkened so that
#: each has a contrast of 3 : 1 on white and on the dark page; then greys and browns for the rest.
COLORS = (
    "#d55e00",
    "#0072b2",
    "#009273",
    "#b0609a",
    "#a87900",
    "#3a8fc7",
    "#8a63d2",
    "#7a7a7a",
    "#96693f",
    "#6b8a1e",
    "#c2506b",
    "#5a7f8c",
)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (5, 1.5, 1.2, 1.5)),
    (0, (3, 1, 1, 1, 1, 1)),
    (0, (8, 2)),
)


HATCHES = ("", "////", "....", "\\\\\\\\", "xxxx", "----", "oooo", "||||", "++++")

#: The key of a line that is no method's: a law over all that a panel shows.
LAW = "law"
#: A stroke this wide or wider is that of an emphasized method.
STRONG = 2.0


@dataclass(frozen=True)
class MethodStyle:
    """A method's look, the same in all figures of a paper."""

    color: str
    marker: str
    dash: Any
    hatch: str
    width: float

    @property
    def order(self) -> int:
        """Which is drawn above which: the emphasized are on top."""
        return 3 if self.width >= STRONG else 2


def method_styles(methods: Iterable[str], emphasized: Iterable[str]) -> dict[str, MethodStyle]:
    """Return each method's style, by its place in the spec; ``emphasized``: drawn thicker."""
    strong = set(emphasized)
    return {
        method: MethodStyle(
            COLORS[index % len(COLORS)],
            # Colours come round before the markers do: the second round has other pairs.
            MARKERS[(index + index // len(COLORS)) % len(MARKERS)],
            DASHES[index % len(DASHES)],
            HATCHES[index % len(HATCHES)],
            2.2 if method in strong else 1.3,
        )
        for index, method in enumerate(methods)
    }


#: From the least to the largest of what is ordered: violet to amber, each as dark or pale as a
#: contrast of 3 : 1 on white and on the dark page allows.
_RAMP = ("#6f5bd0", "#a04cc0", "#c7458f", "#d4524f", "#cf6a1e", "#b08400")


def ordered_styles(keys: Sequence[str]) -> dict[str, MethodStyle]:
    """Return styles for what has an order, such as sizes: colours that go from one to another."""
    from matplotlib.colors import LinearSegmentedColormap, to_hex

    ramp = LinearSegmentedColormap.from_list("ordered", _RAMP)
    places = [index / max(1, len(keys) - 1) for index in range(len(keys))]
    return {
        key: MethodStyle(to_hex(ramp(place)), "o", "-", "", 1.3)
        for key, place in zip(keys, places, strict=True)
    }


def law_style() -> MethodStyle:
    """Return the style of a law over all that a panel shows: the page's ink, dashed, on top."""
    return MethodStyle(INK, "o", (0, (3.5, 1.5)), "", STRONG)


def settings() -> Any:
    """Return matplotlib's settings for all figures.

    Sizes are points where a figure is printed at its natural width, a text column: as large as the
    text around it or a little smaller. Fonts are embedded as TrueType (type 42), which journals
    take, not as Type 3.
    """
    return {
        "font.family": "DejaVu Sans",
        "font.size": SMALL,
        "axes.titlesize": 9,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 8.5,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "grid.color": INK,
        "grid.alpha": 0.12,
        "grid.linewidth": 0.6,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "xtick.major.width": 0.7,
        "ytick.major.width": 0.7,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "legend.handlelength": 2.8,
        "hatch.linewidth": 0.7,
        "lines.markersize": 4.5,
        "svg.fonttype": "path",
        "pdf.fonttype": 42,
    }
