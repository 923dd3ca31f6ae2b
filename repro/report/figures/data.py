"""The numbers behind each figure: what each kind shows, and what it leaves out and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from repro.cells.aggregate import Aggregate, base_name, dataset_entry
from repro.claims import ClaimVerdict
from repro.planning.plan import Plan
from repro.report.figures import (
    advantages,
    along,
    cells,
    fit_checks,
    fitted,
    labels,
    ladders,
    pictures,
    profiles,
    tuned,
)
from repro.report.figures.content import FigureData, Panel, Series
from repro.report.figures.spec import FigureSpec


@dataclass(frozen=True)
class Source:
    """What figures are made from."""

    plan: Plan
    data: Aggregate
    claims: Sequence[ClaimVerdict] = ()


def figure_data(figure: FigureSpec, source: Source) -> FigureData:
    """Return what ``figure`` shows.

    A point is the mean over the trials of one setting. Where any of them diverged or is not
    finished there is no point; a note says so.
    """
    panels, left_out = _MAKERS[figure.kind](figure, source)
    spec = source.plan.spec
    shown = {series.method: series.label for panel in panels for series in panel.series}
    known = {m: spec.methods[m].label for m in source.plan.methods if m in shown}
    others = {key: label for key, label in shown.items() if label and key not in spec.methods}
    x_label, y_label = labels.axes(figure, spec)
    return FigureData(
        figure,
        tuple((known | others).items()),
        x_label,
        y_label,
        tuple(panels),
        labels.reading(figure, source.plan, panels),
        tuple(left_out),
    )


Content = tuple[Sequence[Panel], Sequence[str]]


def _by_dataset(make: Callable[[FigureSpec, str, Source], Panel]) -> Callable[..., Content]:
    """Return a maker of one panel per data set on which the figure's metrics mean something."""

    def content(figure: FigureSpec, source: Source) -> Content:
        datasets, left_out = _comparable(figure, source)
        panels = []
        for dataset in datasets:
            panel = make(figure, dataset, source)
            if any(series.points for series in panel.series):
                panels.append(panel)
            else:
                left_out.append(_nothing(figure, panel))
        return panels, left_out

    return content


def _nothing(figure: FigureSpec, panel: Panel) -> str:
    notes = [note for series in panel.series for note in series.note.split("; ") if note]
    if notes and all(note.startswith("? ") for note in notes):  # every mean is there
        reasons = "; ".join(dict.fromkeys(note.removeprefix("? ") for note in notes))
        return f"{panel.title} is left out: {reasons}"
    if any(series.note or series.remarks for series in panel.series):
        return f"{panel.title} is left out: no mean can be given there yet"
    what = f"{figure.sweep} is not swept" if figure.sweep else "nothing of this was measured"
    return f"{panel.title} is left out: {what} there"


def _series(make: Callable[[FigureSpec, str, str, Aggregate], Series]) -> Callable[..., Content]:
    """Return a maker of panels with one series per method that has anything to show."""

    def panel(figure: FigureSpec, dataset: str, source: Source) -> Panel:
        made = (make(figure, dataset, method, source.data) for method in _methods(figure, source))
        kept = tuple(one for one in made if one.points or one.note)
        return Panel(dataset_entry(source.plan.spec, dataset).label, kept)

    return _by_dataset(panel)


def _several(
    make: Callable[[FigureSpec, str, str, Aggregate], Sequence[Series]],
) -> Callable[..., Content]:
    """Return a maker of panels with several series of the figure's one method."""

    def panel(figure: FigureSpec, dataset: str, source: Source) -> Panel:
        made = (make(figure, dataset, method, source.data) for method in _methods(figure, source))
        title = dataset_entry(source.plan.spec, dataset).label
        return Panel(title, tuple(series for several in made for series in several))

    return _by_dataset(panel)


def _likelihood(figure: FigureSpec, dataset: str, source: Source) -> Panel:
    for method in _methods(figure, source):
        return fit_checks.likelihood(figure, dataset, method, source.data)
    return Panel(dataset_entry(source.plan.spec, dataset).label)


def _rows(make: Callable[[FigureSpec, str, str, int, Source], Series]) -> Callable[..., Content]:
    """Return a maker of panels with a row per method, the same rows in all panels."""

    def panel(figure: FigureSpec, dataset: str, source: Source) -> Panel:
        methods = _methods(figure, source)
        series = (make(figure, dataset, method, at, source) for at, method in enumerate(methods))
        names = tuple(source.plan.spec.methods[method].label for method in methods)
        return Panel(dataset_entry(source.plan.spec, dataset).label, tuple(series), names)

    def content(figure: FigureSpec, source: Source) -> Content:
        panels, left_out = _by_dataset(panel)(figure, source)
        return _without_empty_rows(panels), left_out

    return content


def _without_empty_rows(panels: Iterable[Panel]) -> list[Panel]:
    """Remove the rows that no panel has anything in, and number the others anew."""
    panels = list(panels)
    used = {at for p in panels for at, one in enumerate(p.series) if one.points or one.remarks}
    places = {old: new for new, old in enumerate(sorted(used))}
    return [
        replace(
            panel,
            series=tuple(_moved(panel.series[old], new) for old, new in places.items()),
            categories=tuple(panel.categories[old] for old in places),
        )
        for panel in panels
    ]


def _moved(series: Series, row: int) -> Series:
    return replace(
        series,
        points=tuple(replace(point, y=row) for point in series.points),
        remarks=tuple(replace(remark, at=row) for remark in series.remarks),
    )


def _bars(figure: FigureSpec, source: Source) -> Content:
    datasets, left_out = _comparable(figure, source)
    panel = cells.bars(figure, datasets, _methods(figure, source), source.data)
    return ([panel] if any(s.points for s in panel.series) else []), left_out


def _advantage(figure: FigureSpec, source: Source) -> Content:
    verdict = next(v for v in source.claims if v.claim.id == figure.claim)
    return advantages.panels(verdict, source.plan.spec), advantages.left_out(verdict)


def _images(figure: FigureSpec, source: Source) -> Content:
    panels, left_out = [], []
    for dataset in _datasets(figure, source):
        panel = pictures.panel(figure, dataset, _methods(figure, source), source.data)
        if panel is None:
            label = dataset_entry(source.plan.spec, dataset).label
            left_out.append(f"{label} is left out: no image is there yet")
        else:
            panels.append(panel)
    return panels, left_out


def _profile(figure: FigureSpec, source: Source) -> Content:
    return profiles.content(figure, _methods(figure, source), source.plan, source.data)


def _methods(figure: FigureSpec, source: Source) -> list[str]:
    return [m for m in source.plan.methods if figure.methods is None or m in figure.methods]


def _datasets(figure: FigureSpec, source: Source) -> list[str]:
    return [d for d in source.plan.datasets if figure.datasets is None or d in figure.datasets]


def _comparable(figure: FigureSpec, source: Source) -> tuple[list[str], list[str]]:
    """Return the data sets on which the metrics have a meaning, and in words the others."""
    metrics = {figure.metric, figure.x, figure.y}
    metrics |= {base_name(name) for name in metrics}
    kept, left_out = [], []
    for dataset in _datasets(figure, source):
        entry = dataset_entry(source.plan.spec, dataset)
        if metrics.isdisjoint(entry.not_compared):
            kept.append(dataset)
        else:
            reason = entry.note.rstrip(".") or "not comparable there"
            left_out.append(f"{entry.label} is left out: {reason}")
    return kept, left_out


def _point_row(figure: FigureSpec, dataset: str, method: str, at: int, source: Source) -> Series:
    return cells.row(figure, dataset, method, at, source.data)


def _tuned_row(figure: FigureSpec, dataset: str, method: str, at: int, source: Source) -> Series:
    return tuned.tried(figure, dataset, method, at, source.plan)


_MAKERS: dict[str, Callable[[FigureSpec, Source], Content]] = {
    "frontier": _series(along.joined),
    "sweep": _series(along.joined),
    "levels": _series(along.joined),
    "curves": _series(along.curve),
    "points": _rows(_point_row),
    "bars": _bars,
    "scatter": _series(cells.cloud),
    "fit": _series(fitted.fitted),
    "residuals": _several(fit_checks.residuals),
    "likelihood": _by_dataset(_likelihood),
    "ladder": _several(ladders.ladder),
    "optimum": _several(ladders.optimum),
    "profile": _profile,
    "images": _images,
    "advantage": _advantage,
    "tuning": _rows(_tuned_row),
}
