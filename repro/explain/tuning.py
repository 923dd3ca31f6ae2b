"""How tuning came to the parameters of a cell: everything that it tried."""

from __future__ import annotations

from collections.abc import Iterator

from repro.planning.plan import Plan
from repro.planning.tuning import LedgerEntry, Params, Tried
from repro.report.wording import counted


def chosen_by_tuning(plan: Plan, dataset: str, method: str) -> Iterator[str]:
    """Yield what a method tried on a data set and what was chosen; nothing without tuning."""
    for entry in plan.ledger:
        if (entry.dataset, entry.method) == (dataset, method):
            yield from _entry(entry)


def _entry(entry: LedgerEntry) -> Iterator[str]:
    if not entry.configurations:
        yield f"tuning: {entry.note or 'nothing was tried'}"
        return
    seeds = ", ".join(map(str, entry.seeds))
    count = counted(len(entry.configurations), "configuration")
    noun = "seed" if len(entry.seeds) == 1 else "seeds"
    yield (
        f"tuning: {_choice(entry)}, by {entry.metric} on the {entry.split} split, of "
        f"{count} on {noun} {seeds} ({entry.hours:.2g} h)"
    )
    if entry.note:
        yield f"  {entry.note}"
    for name in entry.at_edge:
        yield f"  {name} lies at the edge of its space: a better value may lie outside"
    for tried in entry.configurations:
        mark = "  chosen" if tried.params == entry.chosen else ""
        yield f"  {_params(tried.params)}: {_score(tried)}{mark}"


def _choice(entry: LedgerEntry) -> str:
    if entry.chosen is not None:
        return f"chose {_params(entry.chosen)}"
    waiting = sum(tried.state == "waiting" for tried in entry.configurations)
    return (
        f"{counted(waiting, 'configuration')} still to run"
        if waiting
        else "no configuration finished"
    )


def _score(tried: Tried) -> str:
    return tried.state if tried.score is None else f"{tried.score:.6g} ({tried.state})"


def _params(params: Params) -> str:
    return ", ".join(f"{name} = {value}" for name, value in params.items())
