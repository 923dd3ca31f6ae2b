"""Where a number or a verdict comes from: the trials behind a cell, the tests behind a claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.cells.aggregate import Aggregate, aggregate
from repro.claims import decide
from repro.errors import UserError
from repro.explain.cells import matching, trace
from repro.explain.claims import find, in_full, outline
from repro.plan import Plan
from repro.store import TrialRecord


def explain(
    plan: Plan, records: Sequence[TrialRecord], cell: str | None = None, claim: str | None = None
) -> str:
    """Return how a cell, a claim, or without either every verdict, came about.

    ``cell`` is ``dataset/method`` or ``dataset/method/metric``; ``claim`` is a claim's id.
    An unknown one, or both: ``UserError``.
    """
    if cell and claim:
        raise UserError("name a CELL or a CLAIM, not both")
    data = aggregate(plan, records)
    cells = matching(data, cell) if cell else []
    verdicts = decide(plan, data)
    if cells:
        return "\n".join(trace(plan, data, cells, verdicts))
    if claim:
        return "\n".join(in_full(find(verdicts, claim), verdicts, plan, data))
    lines = [line for verdict in verdicts for line in outline(verdict)]
    return "\n".join([*lines, "", *_addresses(plan, data)])


def _addresses(plan: Plan, data: Aggregate) -> Iterator[str]:
    yield "Cells, for `explain … --cell <cell>` (make: CELL=<cell>):"
    for cell in data.cells.values():
        if plan.spec.metric(cell.metric).table:
            yield f"  {cell.address}  {cell.state}"
