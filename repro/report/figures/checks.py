"""Whether a figure's keys fit its kind, and its names the table spec: the first mistake is raised.

Importing this module is cheap: figures are checked before any trial runs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from repro.errors import UserError, did_you_mean
from repro.spec import TableSpec

if TYPE_CHECKING:
    from repro.report.figures.spec import FigureSpec

_ALWAYS = ("id", "kind", "title", "caption")
_LABELS = ("x_label", "y_label")
_CHOICE = ("methods", "datasets")

#: Per kind: the keys that it needs, and those that it may have.
KEYS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "frontier": (("x", "y", "sweep"), ("log", *_LABELS, *_CHOICE)),
    "sweep": (("metric", "sweep"), ("log", *_LABELS, *_CHOICE)),
    "levels": (("metric",), ("base", "log", *_LABELS, *_CHOICE)),
    "curves": (("metric",), ("log", *_LABELS, *_CHOICE)),
    "points": (("metric",), ("log", "x_label", *_CHOICE)),
    "bars": (("metric",), ("y_label", *_CHOICE)),
    "scatter": (("x", "y"), ("per", "log", *_LABELS, *_CHOICE)),
    "fit": (("metric", "form"), ("falling", "sweep", "base", "log", *_LABELS, *_CHOICE)),
    "residuals": (
        ("metric", "forms", "methods"),
        ("falling", "sweep", "base", "log", *_LABELS, "datasets"),
    ),
    "likelihood": (
        ("metric", "form", "parameter", "methods"),
        ("falling", "truth", "sweep", "base", *_LABELS, "datasets"),
    ),
    "ladder": (
        ("metric", "methods"),
        (
            "against",
            "form",
            "falling",
            "below",
            "from_share",
            "level_label",
            "log",
            *_LABELS,
            "datasets",
        ),
    ),
    "optimum": (("metric", "methods"), ("from_share", "level_label", "log", *_LABELS, "datasets")),
    "profile": (("overall",), (*_LABELS, "methods")),
    "images": (("files",), ("seed", *_CHOICE)),
    "advantage": (("claim",), ("x_label",)),
    "tuning": ((), ("log", "x_label", *_CHOICE)),
}

#: The form that can be held to fall.
FALLING = "power_law_with_constant"
#: What an image may be called: it is read from the trial's own folder.
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")


def check(figure: FigureSpec, spec: TableSpec, place: str) -> None:
    """Raise ``UserError``, one line that begins with ``place``, at the figure's first mistake."""
    if not re.fullmatch(r"[\w-]+", figure.id):
        raise UserError(f"{place}: an id names files: letters, digits, - and _ alone")
    _check_keys(figure, place)
    _known(f"{place}.methods", figure.methods or [], spec.methods, "method")
    _known(f"{place}.datasets", figure.datasets or [], spec.datasets, "data set")
    if figure.kind in _CHECKS:
        _CHECKS[figure.kind](figure, spec, place)
    if figure.kind == "points" and figure.log not in ("", "x"):
        raise UserError(f"{place}.log: the rows of 'points' have no scale; give 'x'")


def _check_keys(figure: FigureSpec, place: str) -> None:
    needed, allowed = KEYS[figure.kind]
    for key in needed:
        if not getattr(figure, key):
            raise UserError(f"{place}.{key}: required for kind {figure.kind!r}, but missing")
    used = {*_ALWAYS, *needed, *allowed}
    for key, value in vars(figure).items():
        if key not in used and value not in ("", None, False):
            others = ", ".join([*needed, *allowed])
            raise UserError(f"{place}.{key}: kind {figure.kind!r} does not use it; valid: {others}")


def _check_metrics(figure: FigureSpec, spec: TableSpec, place: str) -> None:
    for key in ("x", "y", "base", "metric"):
        names = [name for name in [getattr(figure, key)] if name]
        _known(f"{place}.{key}", names, spec.metric_names(), "metric")


def _check_levels(figure: FigureSpec, spec: TableSpec, place: str) -> None:
    _known(f"{place}.metric", [figure.metric], spec.metrics, "metric")
    _known(f"{place}.base", filter(None, [figure.base]), spec.metric_names(), "metric")
    levels = spec.metrics[figure.metric].levels
    if not levels:
        raise UserError(f"{place}.metric: {figure.metric!r} has no levels in the table spec")
    for level in levels:
        if not _is_number(level):
            raise UserError(f"{place}.metric: level {level!r} of {figure.metric!r} is no number")


def _check_sweep(figure: FigureSpec, spec: TableSpec, place: str) -> None:
    _check_metrics(figure, spec, place)
    swept = {
        method: {name: v["sweep"] for name, v in entry.params.items() if isinstance(v, dict)}
        for method, entry in spec.methods.items()
    }
    known = {name for axes in swept.values() for name in axes}
    _known(f"{place}.sweep", [figure.sweep], known, "swept parameter")
    for method in figure.methods or []:
        if figure.sweep not in swept[method]:
            raise UserError(f"{place}.methods: {method!r} has no sweep of {figure.sweep!r}")
    if figure.kind != "frontier":
        for method in figure.methods or spec.methods:
            _check_axis(figure, method, swept[method].get(figure.sweep, []), place)


def _check_axis(figure: FigureSpec, method: str, values: Iterable[object], place: str) -> None:
    """Check that swept values can stand along an axis."""
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"{place}.sweep: value {value!r} of {method!r} is no number")
        if "x" in figure.log and value < 0:
            raise UserError(f"{place}.log: value {value} of {method!r} has no place on a log axis")


def _check_fit(figure: FigureSpec, spec: TableSpec, place: str) -> None:
    from repro.curves import FORMS

    (_check_sweep if figure.sweep else _check_levels)(figure, spec, place)
    _check_falling(figure, place)
    key = "forms" if figure.forms else "form"
    for form in figure.forms or [figure.form]:
        _known(f"{place}.{key}", [form], FORMS, "form")
        if FORMS[form].logarithmic and min(_axis_values(figure, spec)) <= 0:
            raise UserError(f"{place}.{key}: {form!r} takes ln x, but an x is 0 or less")


def _check_residuals(figure: FigureSpec, spec: TableSpec, place: str) -> None:
    _check_fit(figure, spec, place)
    _check_one_method(figure, place)


def _check_likelihood(figure: FigureSpec, spec: TableSpec, place: str) -> None:
    from repro.curves import FORMS

    _check_fit(figure, spec, place)
    _check_one_method(figure, place)
    known = FORMS[figure.form].parameters
    _known(f"{place}.parameter", [figure.parameter], known, f"parameter of {figure.form!r}")
    if figure.falling and figure.parameter != "constant":
        raise UserError(f"{place}.parameter: with 'falling' the constant alone has a likelihood")


def _check_ladder(figure: FigureSpec, spec: TableSpec, place: str) -> None:
    from repro.curves import FORMS

    _check_levels(figure, spec, place)
    _check_one_method(figure, place)
    if min(float(level) for level in spec.metrics[figure.metric].levels) <= 0:
        raise UserError(f"{place}.metric: a level of {figure.metric!r} is no size: 0 or less")
    _known(f"{place}.form", filter(None, [figure.form]), FORMS, "form")
    _check_falling(figure, place)
    if figure.from_share is not None and not 0 <= figure.from_share < 1:
        raise UserError(f"{place}.from_share: is {figure.from_share}; it must be from 0 to below 1")
    if figure.below and not figure.falling:
        raise UserError(f"{place}.below: only a law that is held to fall ('falling') lies below")
    if figure.kind == "ladder" and figure.against != "compute":
        for key in ("form", "from_share"):
            if getattr(figure, key):
                raise UserError(f"{place}.{key}: only 'against: compute' has a frontier")


def _check_falling(figure: FigureSpec, place: str) -> None:
    if figure.falling and FALLING not in (figure.forms or [figure.form]):
        raise UserError(f"{place}.falling: it is {FALLING!r} that can be held to fall")


def _check_one_method(figure: FigureSpec, place: str) -> None:
    if len(figure.methods or []) != 1:
        raise UserError(f"{place}.methods: kind {figure.kind!r} shows one method; name one")


def _axis_values(figure: FigureSpec, spec: TableSpec) -> list[float]:
    """Return every ``x`` of a fit."""
    if not figure.sweep:
        levels = [float(level) for level in spec.metrics[figure.metric].levels]
        return [0.0, *levels] if figure.base else levels
    entries = (spec.methods[method].params for method in figure.methods or spec.methods)
    swept = (params[figure.sweep] for params in entries if figure.sweep in params)
    return [float(v) for axis in swept if isinstance(axis, dict) for v in axis["sweep"]]


def _check_overall(figure: FigureSpec, spec: TableSpec, place: str) -> None:
    profiles = [entry.id for entry in spec.overall if entry.statistic == "profile"]
    _known(f"{place}.overall", [figure.overall], profiles, "profile among 'overall:'")


def _check_files(figure: FigureSpec, _: TableSpec, place: str) -> None:
    for name in figure.files or []:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise UserError(f"{place}.files: {name!r} is not inside a trial's artefact folder")
        if path.suffix.lower() not in IMAGE_SUFFIXES:
            endings = ", ".join(IMAGE_SUFFIXES)
            raise UserError(f"{place}.files: {name!r} is no image; its name must end in {endings}")
    if figure.seed is not None and figure.seed < 0:
        raise UserError(f"{place}.seed: seeds count from 0, is {figure.seed}")


def _check_claim(figure: FigureSpec, spec: TableSpec, place: str) -> None:
    _known(f"{place}.claim", [figure.claim], [claim.id for claim in spec.claims], "claim")


def _check_tuning(_: FigureSpec, spec: TableSpec, place: str) -> None:
    if spec.tuning is None:
        raise UserError(f"{place}.kind: the table spec has no 'tuning:', so nothing was tuned")


#: What ``curves`` draws is logged, and no spec knows it.
_CHECKS: dict[str, Callable[[FigureSpec, TableSpec, str], None]] = {
    "frontier": _check_sweep,
    "sweep": _check_sweep,
    "levels": _check_levels,
    "points": _check_metrics,
    "bars": _check_metrics,
    "scatter": _check_metrics,
    "fit": _check_fit,
    "residuals": _check_residuals,
    "likelihood": _check_likelihood,
    "ladder": _check_ladder,
    "optimum": _check_ladder,
    "profile": _check_overall,
    "images": _check_files,
    "advantage": _check_claim,
    "tuning": _check_tuning,
}


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _known(place: str, names: Iterable[str], valid: Iterable[str], what: str) -> None:
    valid = list(valid)
    for name in names:
        if name not in valid:
            raise UserError(f"{place}: unknown {what} {name!r}{did_you_mean(name, valid)}")
