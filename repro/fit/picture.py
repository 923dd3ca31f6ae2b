"""Drawing a fit: the curve with its band through the points, or the residuals of the joint form."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Literal

import matplotlib as mpl
import numpy as np
from scipy.stats import t

from repro.curves import FORMS
from repro.curves.forms import Numbers
from repro.errors import UserError
from repro.files import make_directory, write_bytes
from repro.fit.findings import Findings
from repro.fit.models import Curve, Frontier, Joint
from repro.fit.points import COMPUTE, LOSS, PARAMETERS, TOKENS
from repro.report.figures.content import FigureData, Panel, Point, Series
from repro.report.figures.drawing import draw
from repro.report.figures.spec import FigureSpec
from repro.report.figures.style import method_styles, settings

FORMATS = (".pdf", ".png", ".svg")
_KEY = "fit"
_PLACES = 80


def check_place(path: Path) -> None:
    """Raise ``UserError`` where ``path`` names no file of a known format, or cannot be written."""
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"--plot {path}: name a file that ends in {', '.join(FORMATS)}")
    if path.is_dir():
        raise UserError(f"--plot {path}: this is a folder: name a file in it")
    there = next(folder for folder in path.absolute().parents if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise UserError(f"--plot {path}: nothing can be written into {there}: name another place")


def write(found: Findings, path: Path) -> None:
    """Write the picture of a fit to ``path``. A place that cannot be written: ``UserError``."""
    data = picture(found)
    buffer = io.BytesIO()
    figure = draw(data, method_styles([_KEY], [_KEY]))
    with mpl.rc_context(settings()):
        figure.savefig(buffer, format=path.suffix[1:].lower(), facecolor="white", dpi=160)
    make_directory(path.parent)
    write_bytes(path, buffer.getvalue())


def picture(found: Findings) -> FigureData:
    """Return what is drawn, as the report's figures take it."""
    model = found.model
    if isinstance(model, Joint):
        return _residuals(found, model)
    if isinstance(model, Frontier):
        return _frontier(found, model)
    assert isinstance(model, Curve)
    return _curve(found, model)


def _curve(found: Findings, model: Curve) -> FigureData:
    log = FORMS[found.form].logarithmic
    ends = float(model.x.min()), float(model.x.max())
    at = np.geomspace(*ends, _PLACES) if log else np.linspace(*ends, _PLACES)
    centre = model.fitted.predict(at)
    reach = _reach(found, at)
    curve = tuple(
        Point(x, y, y_interval=(y - half, y + half) if np.isfinite(half) else None)
        for x, y, half in zip(at.tolist(), centre.tolist(), reach.tolist(), strict=True)
    )
    label = found.form.replace("_", " ")
    series = Series(_KEY, label, _marks(model.x, model.y), curve=curve)
    names = found.points.columns
    return _figure("x" if log else "", (names[model.over], names[LOSS]), series)


def _reach(found: Findings, at: Numbers) -> Numbers:
    """Return half the width of the curve's 95 % t interval at each place; NaN without one."""
    drawn = found.bootstrap
    if drawn is None or drawn.units < 2:
        return np.full(at.size, np.nan)
    form, names = FORMS[found.form], tuple(drawn.resampled)
    rows = zip(*(drawn.resampled[name].tolist() for name in names), strict=True)
    curves = np.array([form.values(dict(zip(names, row, strict=True)), at) for row in rows])
    there = np.isfinite(curves).all(axis=1)
    chances = drawn.chances[there] / drawn.chances[there].sum()
    with np.errstate(invalid="ignore"):
        variance = chances @ (curves[there] - chances @ curves[there]) ** 2
    error = np.sqrt(variance * drawn.units / (drawn.units - 1))
    return np.asarray(t.ppf(0.975, drawn.degrees_of_freedom) * error)


def _frontier(found: Findings, model: Frontier) -> FigureData:
    fitted, names = model.fitted, found.points.columns
    at = np.geomspace(fitted.compute.min(), fitted.compute.max(), _PLACES)
    pairs = zip(at.tolist(), fitted.predict(at).tolist(), strict=True)
    series = Series(
        _KEY,
        f"best size ∝ C^{fitted.exponent:.3g}",
        _marks(fitted.compute, fitted.sizes),
        curve=tuple(Point(x, y) for x, y in pairs),
    )
    return _figure("xy", (names[COMPUTE], names[PARAMETERS]), series)


def _residuals(found: Findings, model: Joint) -> FigureData:
    """Return two panels: how far predictions are off, along size and along tokens."""
    off = np.expm1(model.problem.residuals(model.fitted))
    tokens = found.points.columns.get(TOKENS, "tokens")
    sides = ((model.sizes, found.points.columns[PARAMETERS]), (model.tokens, tokens))
    panels = tuple(
        Panel("", (Series(_KEY, "point", _marks(x, off)),), x_label=name) for x, name in sides
    )
    spec = FigureSpec(id=_KEY, kind="scatter", title="", log="x")
    return FigureData(spec, ((_KEY, "point"),), "", "Predicted / measured − 1", panels)


def _marks(x: Numbers, y: Numbers) -> tuple[Point, ...]:
    return tuple(Point(*pair) for pair in zip(x.tolist(), y.tolist(), strict=True))


def _figure(log: Literal["", "x", "xy"], labels: tuple[str, str], series: Series) -> FigureData:
    spec = FigureSpec(id=_KEY, kind="fit", title="", log=log)
    return FigureData(spec, ((_KEY, series.label),), *labels, (Panel("", (series,)),))
