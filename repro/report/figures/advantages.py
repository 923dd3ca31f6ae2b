"""Panels of ``advantage``: what each comparison of a claim found, data set by data set."""

from __future__ import annotations

from collections.abc import Sequence

from repro.cells.aggregate import dataset_entry
from repro.claims import ClaimVerdict, Finding
from repro.claims.budgets import budget_texts
from repro.claims.words import unit_of
from repro.report.figures.content import Panel, Point, Remark, Series
from repro.spec import TableSpec


def panels(verdict: ClaimVerdict, spec: TableSpec) -> tuple[Panel, ...]:
    """Return a panel per data set and metric, because units differ; a row per comparison."""
    found: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in verdict.findings:
        key = (finding.dataset, finding.metric, finding.estimate_label)
        found.setdefault(key, []).append(finding)
    return tuple(_panel(findings, verdict, spec) for findings in found.values())


def left_out(verdict: ClaimVerdict) -> tuple[str, ...]:
    """Return what the claim speaks of and no row shows, and why."""
    texts = (*verdict.left_out, *verdict.reasons)
    return (f"Left out: {'; '.join(texts)}",) if texts else ()


def _panel(findings: Sequence[Finding], verdict: ClaimVerdict, spec: TableSpec) -> Panel:
    first = findings[0]
    title = dataset_entry(spec, first.dataset).label if first.dataset else "All data sets"
    series = [_row(f, at, verdict.claim.method, spec) for at, f in enumerate(findings)]
    names = tuple(_name(finding, findings, spec) for finding in findings)
    return Panel(title, tuple(series), names, _axis(first, spec), bounds=first.holds)


def _row(finding: Finding, at: int, method: str, spec: TableSpec) -> Series:
    key = finding.rival or method
    comparison = finding.comparison
    if comparison.estimate is None:
        why = comparison.notes[0] if comparison.notes else "no estimate"
        return Series(key, spec.methods[key].label, (), remarks=(Remark(at, why),))
    point = Point(
        comparison.estimate,
        at,
        x_interval=finding.interval,
        filled=finding.interval is not None and not finding.reaches_bound,
    )
    return Series(key, spec.methods[key].label, (point,))


def _name(finding: Finding, panel: Sequence[Finding], spec: TableSpec) -> str:
    """Return the rival's name, with the budget of a frontier; else the place in full."""
    if not finding.rival:
        return finding.place
    label = spec.methods[finding.rival].label
    if finding.budget is None:
        return label
    own = [f.budget for f in panel if f.rival == finding.rival and f.budget is not None]
    return f"{label}, at {budget_texts(own)[finding.budget]}"


def _axis(finding: Finding, spec: TableSpec) -> str:
    """Return what the estimate is, of which metric, in which unit."""
    words = finding.estimate_label
    if finding.metric:
        words = f"{spec.metric(finding.metric).label}: {words}"
    return f"{words} [{unit_of(finding)}]" if finding.unit else words
