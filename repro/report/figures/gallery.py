"""Drawing ``images``: a grid of pictures per data set; a missing one is an empty, marked frame."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from repro.report.figures.content import Panel, Picture
from repro.report.figures.style import INK

#: Pixels of an image's longer side: more would not be seen, and the page holds all of them.
_MOST_PIXELS = 400
#: Inches for the rows' names, for a panel's title with its columns' names, and between rows.
_NAMES, _HEAD, _GAP = 0.95, 0.5, 0.08
#: Inches of a picture's side: the least beside which another panel may stand, and the most.
_LEAST, _MOST = 0.7, 1.25
_ROW_NAME_WIDTH = 15

Image = NDArray[np.uint8]


def gallery(panels: Sequence[Panel], width: float) -> Figure:
    """Return the figure, ``width`` inches wide; the pictures' own proportions are kept."""
    names = len(panels[0].columns)
    abreast = max(1, min(len(panels), int(width / (_NAMES + names * _LEAST))))
    side = min(_MOST, (width / abreast - _NAMES) / names)
    block = _NAMES + names * side
    images = [{p: _read(p.path) for p in panel.pictures} for panel in panels]
    heights = [_height(panel, shown, side) for panel, shown in zip(panels, images, strict=True)]
    rows = [max(heights[start : start + abreast]) for start in range(0, len(panels), abreast)]
    figure = Figure(figsize=(width, sum(rows)), layout="constrained")
    # What is left of the width is an empty last column: the figure is as wide as all others.
    widths = [block] * abreast + [max(width - abreast * block, 1e-3)]
    parts = figure.subfigures(
        len(rows), len(widths), squeeze=False, height_ratios=rows, width_ratios=widths
    )
    for index, (panel, shown) in enumerate(zip(panels, images, strict=True)):
        _panel(parts[index // abreast, index % abreast], panel, shown)
    return figure


def _height(panel: Panel, images: dict[Picture, Image | None], side: float) -> float:
    shapes = [image.shape for image in images.values() if image is not None]
    tallest = max((height / wide for height, wide, *_ in shapes), default=1.0)
    return _HEAD + len(panel.categories) * (side * min(tallest, 2.0) + _GAP)


def _panel(part: Any, panel: Panel, images: dict[Picture, Image | None]) -> None:
    part.suptitle(panel.title, x=0.01, ha="left", fontsize=9, fontweight="bold", color=INK)
    grid = part.subplots(len(panel.categories), len(panel.columns), squeeze=False)
    for picture, image in images.items():
        axes: Axes = grid[picture.row, picture.column]
        _show(axes, picture, image)
        if picture.row == 0:
            name = textwrap.fill(panel.columns[picture.column], _ROW_NAME_WIDTH)
            axes.set_title(name, loc="center", fontweight="normal", fontsize=8)
        if picture.column == 0:
            name = textwrap.fill(panel.categories[picture.row], _ROW_NAME_WIDTH)
            axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)


def _show(axes: Axes, picture: Picture, image: Image | None) -> None:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[:].set_visible(image is None)
    if image is not None:
        # "none": each pixel is kept as it is, in the PDF too.
        axes.imshow(image, interpolation="none")
        return
    axes.set_box_aspect(1)
    axes.spines[:].set_linestyle((0, (3, 2)))
    reason = picture.reason or "✕ cannot be read"
    axes.text(
        0.5, 0.5, textwrap.fill(reason, 9), transform=axes.transAxes, ha="center", va="center"
    )


def _read(path: Path | None) -> Image | None:
    """Return an image, made smaller where it is large; ``None`` where it cannot be read."""
    if path is None:
        return None
    from PIL import Image as Images

    try:
        with Images.open(path) as image:
            small = image.convert("RGBA")
            small.thumbnail((_MOST_PIXELS, _MOST_PIXELS))
            return np.asarray(small)
    except (OSError, ValueError, SyntaxError, Images.DecompressionBombError):
        return None
