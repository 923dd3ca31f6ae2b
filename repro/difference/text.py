"""A difference in words, for the terminal."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from repro.difference.compare import Change, ChangedItem, Difference
from repro.difference.reasons import Reason

#: What a line on a cell or claim shows first, where it changed.
_SHOWN = ("verdict", "state", "n", "mean", "interval", "estimate", "p_holm")
_LISTED = 4


def difference_text(difference: Difference) -> str:
    """Return what changed and why, verdicts first; one line where nothing did."""
    where = f"from {difference.a} to {difference.b}"
    if difference.nothing:
        return f"Nothing changed {where}."
    return "\n".join([f"What changed {where}:", *_lines(difference)])


def _lines(difference: Difference) -> Iterator[str]:
    yield from (f"{change.name}: {_arrow(change)}" for change in difference.about)
    sections = {
        "claims": difference.claims,
        "claims of the second stage": difference.second_claims,
        "cells of the second stage": difference.second_cells,
        "cells": difference.cells,
        "aggregates": difference.overall,
    }
    for title, items in sections.items():
        verdicts = [item for item in items if item.is_verdict]
        numbers = [item for item in items if not item.is_verdict]
        yield from _section(f"{title.capitalize()} with another verdict or state", verdicts)
        yield from _section(f"{title.capitalize()} with other numbers or words alone", numbers)
    if not any(sections.values()):
        yield "No cell and no verdict changed."
    if difference.spec:
        yield "Spec:"
        yield from (f"  {change.name}: {_arrow(change)}" for change in difference.spec)
    if difference.reasons:
        yield "Trials:"
        yield from (f"  {_reason(*reason)}" for reason in difference.reasons)


def _section(title: str, items: Sequence[ChangedItem]) -> Iterator[str]:
    """Yield the items, with the reasons once for those that follow each other and share them."""
    if items:
        yield f"{title} ({len(items)}):"
    for because, sharing in itertools.groupby(items, key=lambda item: item.reasons):
        yield from (f"  {item.name}: {_what(item)}" for item in sharing)
        yield from (f"    because {_reason(*reason)}" for reason in because)
        if not because:
            yield "    the reports do not record why"


def _what(item: ChangedItem) -> str:
    if item.only:
        return f"only in {'the first' if item.only == 'a' else 'the second'}"
    shown = [
        change
        for name in _SHOWN
        for change in item.changes
        if change.name.rpartition(".")[2] == name
    ]
    parts = [f"{change.name} {_arrow(change)}" for change in shown or item.changes[:_LISTED]]
    return ", ".join(parts)


def _reason(reason: Reason, places: tuple[str, ...]) -> str:
    if not places:
        return reason.text
    more = f" and {len(places) - _LISTED} more" if len(places) > _LISTED else ""
    return f"{reason.text} [{', '.join(places[:_LISTED])}{more}]"


def _arrow(change: Change) -> str:
    return f"{_value(change.before)} → {_value(change.after)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not value and value != 0:
        return "none"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list) and len(value) == 2 and all(isinstance(v, float) for v in value):
        return f"[{value[0]:.4g}, {value[1]:.4g}]"
    return str(value)
