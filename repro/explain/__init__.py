"""Where a number or a verdict comes from: the trials behind a cell, the tests behind a claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repro.cells.aggregate import Aggregate, aggregate
from repro.claims import ClaimVerdict, decide
from repro.errors import UserError
from repro.explain.cells import matching, trace
from repro.explain.claims import find, in_full, outline
from repro.planning.plan import Plan
from repro.report.second_stage import SecondStageReport, second_stage
from repro.trials.store import TrialRecord


def explain(
    plan: Plan, records: Sequence[TrialRecord], cell: str | None = None, claim: str | None = None
) -> str:
    """Return how a cell, a claim, or without either every verdict, came about, in both stages.

    ``cell`` is ``dataset/method`` or ``dataset/method/metric``; ``claim`` is a claim's id.
    An unknown one, or both: ``UserError``.
    """
    if cell and claim:
        raise UserError("name a CELL or a CLAIM, not both")
    data = aggregate(plan, records)
    cells = matching(data, cell) if cell else []
    verdicts, stage = decide(plan, data), second_stage(plan)
    if cells:
        lines = trace(plan, data, cells, verdicts, stage)
    elif claim:
        lines = in_full(find(verdicts, claim), verdicts, plan, data, stage)
    else:
        lines = _everything(plan, data, verdicts, stage)
    return "\n".join([*lines, *([stage.sentence] if stage else [])])


def _everything(
    plan: Plan, data: Aggregate, verdicts: Sequence[ClaimVerdict], stage: SecondStageReport | None
) -> Iterator[str]:
    for verdict in verdicts:
        yield from outline(verdict, plan.spec, stage)
    yield ""
    yield "Cells, for `explain … --cell <cell>` (make: CELL=<cell>):"
    for key, cell in data.cells.items():
        if plan.spec.metric(cell.metric).table:
            later = stage.cells.get(key) if stage else None
            yield f"  {cell.address}  {cell.state}" + (
                f"; {later.verdict} in the second stage" if later else ""
            )
