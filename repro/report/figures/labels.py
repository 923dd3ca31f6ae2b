"""What a figure's axes are called, and how its marks are to be read."""

from __future__ import annotations

from collections.abc import Callable

from repro.plan import Plan
from repro.report.figures.fitted import DRAWS, SEED
from repro.report.figures.spec import FigureSpec
from repro.spec import TableSpec


def axes(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    """Return the labels of the two axes: the figure's own, else what the table spec says."""
    x, y = _DEFAULTS[figure.kind](figure, spec) if figure.kind in _DEFAULTS else ("", "")
    return figure.x_label or x, figure.y_label or y


def reading(figure: FigureSpec, plan: Plan) -> str:
    """Return what marks, lines and intervals stand for, as sentences."""
    text = _READINGS[figure.kind](figure, plan)
    if "x" in figure.log and figure.kind in ("sweep", "levels", "fit", "curves"):
        text += " Zero has no place on a logarithmic axis and stands before its break."
    return text


def _means(figure: FigureSpec, plan: Plan, marks: str = "bars") -> str:
    """Return over how many seeds means are taken, and what their intervals are."""
    swept = figure.sweep or figure.per == "setting"
    fewer = min(plan.seeds, plan.scale.sweep.seeds) if swept else plan.seeds
    if plan.seeds == 1:
        return "One run each, without an interval."
    seeds = f"{fewer} seed" + ("" if fewer == 1 else "s")
    more = f" ({plan.seeds} for the setting of the table)" if fewer < plan.seeds else ""
    return f"Mean over {seeds}{more}; {marks}: 95 % t interval."


def _of_plane(figure: FigureSpec, plan: Plan) -> str:
    return f"{_means(figure, plan)} An arrow: the interval goes on beyond the axes."


def _of_curves(figure: FigureSpec, plan: Plan) -> str:
    return _means(figure, plan, "bands")


def _of_scatter(figure: FigureSpec, plan: Plan) -> str:
    return _of_plane(figure, plan) if figure.per == "setting" else "One mark per seed."


def _of_fit(figure: FigureSpec, plan: Plan) -> str:
    return (
        f"{_means(figure, plan)} Line: {figure.form.replace('_', ' ')}, fitted to the means; its "
        f"band: 95 % bootstrap over the seeds ({DRAWS:,} draws, generator's seed {SEED})."
    )


def _of_shares(*_: object) -> str:
    return (
        "Share of runs better than the threshold, averaged over data sets; a diverged run is "
        "better than none. Bands: 95 % intervals, each for its threshold alone."
    )


def _of_images(figure: FigureSpec, _: Plan) -> str:
    return f"Seed {figure.seed or 0} of the table's setting."


def _of_findings(*_: object) -> str:
    return (
        "Bars: simultaneous 95 % intervals of all comparisons of the claim's family. Shaded: where "
        "the claim says that the estimate lies; hollow: the interval reaches beyond."
    )


def _of_choices(_: FigureSpec, plan: Plan) -> str:
    text = "One mark per configuration, mean over tuning's seeds; filled: chosen"
    if not plan.ledger:
        return f"{text}."
    entry = plan.ledger[0]
    return f"{text}, by {plan.spec.metric(entry.metric).label} on {entry.split} data."


_READINGS: dict[str, Callable[[FigureSpec, Plan], str]] = {
    "frontier": _of_plane,
    "sweep": _means,
    "levels": _means,
    "curves": _of_curves,
    "points": _means,
    "bars": _means,
    "scatter": _of_scatter,
    "fit": _of_fit,
    "profile": _of_shares,
    "images": _of_images,
    "advantage": _of_findings,
    "tuning": _of_choices,
}


def _of_two_metrics(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    return _name(figure.x, spec), _name(figure.y, spec)


def _of_logs(figure: FigureSpec, _: TableSpec) -> tuple[str, str]:
    return "Step", _worded(figure.metric)


def _of_axis(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    return _worded(figure.sweep) or "Level", _worded(_name(figure.metric, spec))


def _of_rows(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    return _name(figure.metric, spec), ""


def _of_bars(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    return "", _name(figure.metric, spec)


def _of_tuning(_: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    return (_name(spec.tuning.select.metric, spec) if spec.tuning else ""), ""


def _of_profile(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    entry = next(entry for entry in spec.overall if entry.id == figure.overall)
    name = _name(entry.metric, spec)
    if entry.relative_to:
        rival = spec.methods[entry.relative_to].label
        name = f"ln({spec.metric(entry.metric).label} / mean of {rival})"
    return f"{name}: threshold τ", "Share of runs better than τ"


_DEFAULTS: dict[str, Callable[[FigureSpec, TableSpec], tuple[str, str]]] = {
    "frontier": _of_two_metrics,
    "scatter": _of_two_metrics,
    "curves": _of_logs,
    "sweep": _of_axis,
    "levels": _of_axis,
    "fit": _of_axis,
    "points": _of_rows,
    "bars": _of_bars,
    "tuning": _of_tuning,
    "profile": _of_profile,
}


def _worded(name: str) -> str:
    """Return a key as words: ``validation_rmse`` as "Validation rmse"."""
    return name if " " in name else name.replace("_", " ").capitalize() if "_" in name else name


def _name(metric: str, spec: TableSpec) -> str:
    entry = spec.metric(metric)
    return f"{entry.label} [{entry.unit}]" if entry.unit else entry.label
