"""Rows of ``tuning``: the score of every configuration that a method tried."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from repro.planning.plan import Plan
from repro.planning.tuning import LedgerEntry, Tried
from repro.report import wording
from repro.report.figures.content import Point, Remark, Series
from repro.report.figures.spec import FigureSpec

_SYMBOLS = {
    "diverged": wording.SYMBOLS["diverged"],
    "failed": wording.SYMBOLS["failed"],
    "waiting": wording.SYMBOLS["incomplete"],
}


def tried(figure: FigureSpec, dataset: str, method: str, at: int, plan: Plan) -> Series:
    """Return the configurations of a method in the row ``at``; the chosen one is filled."""
    entries = [e for e in plan.ledger if (e.dataset, e.method) == (dataset, method)]
    label = plan.spec.methods[method].label
    if not entries or not entries[0].configurations:
        return Series(method, label, ())
    shown = [one for one in entries[0].configurations if _has_place(one, figure.log)]
    points = sorted((_point(one, at, entries[0]) for one in shown), key=lambda p: p.filled)
    note = _lost(entries[0].configurations, len(shown))
    return Series(method, label, tuple(points), remarks=(Remark(at, note),) if note else ())


def _has_place(one: Tried, log: str) -> bool:
    score = one.score
    return score is not None and math.isfinite(score) and (score > 0 or "x" not in log)


def _point(one: Tried, at: int, entry: LedgerEntry) -> Point:
    return Point(one.score or 0.0, at, joined=False, filled=one.params == entry.chosen)


def _lost(configurations: Sequence[Tried], shown: int) -> str:
    """Return how many configurations have no mark, by their state."""
    states = Counter(one.state for one in configurations)
    parts = [f"{symbol} {states[s]} {s}" for s, symbol in _SYMBOLS.items() if states[s]]
    off_axis = len(configurations) - shown - sum(states[s] for s in _SYMBOLS)
    if off_axis:
        parts.append(f"⊘ {off_axis} not above 0")
    return ", ".join(parts)
