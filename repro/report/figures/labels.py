"""What a figure's axes are called, and how its marks are to be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from repro.planning.plan import Plan
from repro.report.figures.bands import DRAWS, SEED
from repro.report.figures.content import Panel
from repro.report.figures.spec import FigureSpec
from repro.report.parts import metric_heading
from repro.spec import TableSpec


def axes(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    """Return the labels of the two axes: the figure's own, else what the table spec says."""
    x, y = _DEFAULTS[figure.kind](figure, spec) if figure.kind in _DEFAULTS else ("", "")
    return figure.x_label or x, figure.y_label or y


def reading(figure: FigureSpec, plan: Plan, panels: Sequence[Panel] = ()) -> str:
    """Return what marks, lines and intervals of ``panels`` stand for, as sentences."""
    text = _READINGS[figure.kind](figure, plan)
    if figure.kind == "likelihood" and figure.falling and any(map(_at_bound, panels)):
        text += " An estimate at 0 is the law's bound, not a measurement."
    if "x" in figure.log and figure.kind in _ALONG and _may_have_zero(figure, plan.spec):
        text += " Zero has no place on a logarithmic axis and stands before its break."
    return text


def _at_bound(panel: Panel) -> bool:
    """Say whether a constant that is held to 0 or above is 0."""
    return any(point.x <= 0 for series in panel.series for point in series.points)


_ALONG = ("sweep", "levels", "fit", "residuals", "curves")


def _may_have_zero(figure: FigureSpec, spec: TableSpec) -> bool:
    """Say whether a figure's axis may begin at 0: levels say so, sweeps and steps may."""
    if figure.sweep or figure.kind == "curves":
        return True
    return bool(figure.base) or 0 in map(float, spec.metric(figure.metric).levels)


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
    return f"{_means(figure, plan)} Line: {_law(figure)}, fitted to the means; its {_BAND}."


def _law(figure: FigureSpec) -> str:
    """Return a form in words, with its bounds."""
    words = figure.form.replace("_", " ")
    return f"{words}, held to fall to 0 or above" if figure.falling else words


_BAND = f"band: 95 % bootstrap over the seeds ({DRAWS:,} draws, generator's seed {SEED})"


def _of_residuals(figure: FigureSpec, plan: Plan) -> str:
    held = ", with a constant held to fall to 0 or above" if figure.falling else ""
    return f"Each seed's values less its own least-squares curve{held}. {_means(figure, plan)}"


def _of_likelihood(figure: FigureSpec, plan: Plan) -> str:
    text = (
        f"Deviance of the {_law(figure)}, through the means, all its other "
        f"parameters fitted anew; below the dotted line lies what the means' scatter about the "
        f"curve allows with 95 %. Mark: the estimate"
    )
    if plan.seeds > 1:
        text += (
            "; bar: its 95 % interval by bootstrap over the seeds, with an arrow where it goes on "
            "beyond the axes"
        )
    text += "."
    if figure.truth is not None:
        text += f" Upright line: the truth, {figure.truth:g}."
    return text


def _of_ladder(figure: FigureSpec, plan: Plan) -> str:
    many = plan.seeds > 1
    text = f"Means over {plan.seeds} seeds." if many else "One run each."
    if figure.against != "compute":
        return text
    text += " Dots: the means that no cheaper one beats"
    if figure.from_share:
        text += f", from {100 * figure.from_share:g} % of a run on"
    if not figure.form:
        return f"{text}."
    how = "nearest to them from below" if figure.below else "through them by least squares"
    text += f". Dashed: the {_law(figure)}, {how}"
    return f"{text}; its {_BAND}." if many else f"{text}."


def _of_optimum(figure: FigureSpec, plan: Plan) -> str:
    text = (
        "Marks: vertices of the convex hull of each seed's frontier, loss against the logarithm of "
        "compute; the larger, the more seeds have it. "
        "There is a law where the typical seed has three levels among them."
    )
    if figure.from_share:
        text += f" A run counts from {100 * figure.from_share:g} % of its steps on."
    text += " Line: the power law through a seed's vertices, its logarithm averaged over the seeds"
    return text + ("." if plan.seeds == 1 else "; band, and the exponent's interval: 95 % t.")


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
    "residuals": _of_residuals,
    "likelihood": _of_likelihood,
    "ladder": _of_ladder,
    "optimum": _of_optimum,
    "profile": _of_shares,
    "images": _of_images,
    "advantage": _of_findings,
    "tuning": _of_choices,
}


def _of_two_metrics(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    return _name(figure.x, spec), _name(figure.y, spec)


def _of_logs(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    known = figure.metric in spec.metric_names()
    return "Step", _name(figure.metric, spec) if known else _worded(figure.metric)


def _of_ladders(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    runs = "Compute [whole runs of the least level]"
    return runs if figure.against == "compute" else "Step", _name(figure.metric, spec)


def _of_best(figure: FigureSpec, _: TableSpec) -> tuple[str, str]:
    return "Compute [whole runs of the least level]", figure.level_label or "Best level"


def _of_rest(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    entry = spec.metric(figure.metric)
    unit = f" [{entry.unit}]" if entry.unit else ""
    return _worded(figure.sweep) or "Level", f"{entry.label} − curve{unit}"


def _of_parameter(figure: FigureSpec, spec: TableSpec) -> tuple[str, str]:
    unit = spec.metric(figure.metric).unit if figure.parameter in _OF_UNIT else ""
    return figure.parameter.capitalize() + (f" [{unit}]" if unit else ""), "Deviance"


#: Parameters in the metric's own unit.
_OF_UNIT = ("constant", "intercept")


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
    "residuals": _of_rest,
    "likelihood": _of_parameter,
    "ladder": _of_ladders,
    "optimum": _of_best,
    "points": _of_rows,
    "bars": _of_bars,
    "tuning": _of_tuning,
    "profile": _of_profile,
}


def _worded(name: str) -> str:
    """Return a key as words: ``validation_rmse`` as "Validation rmse"."""
    return name if " " in name else name.replace("_", " ").capitalize() if "_" in name else name


def _name(metric: str, spec: TableSpec) -> str:
    unit, label = spec.metric(metric).unit, metric_heading(spec, metric)
    return f"{label} [{unit}]" if unit else label
