"""The second stage in the report: its trials, and the verdicts from those trials alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from repro.cells.aggregate import aggregate
from repro.cells.settling import address_of
from repro.cells.verdicts import CellVerdict, cell_verdicts
from repro.claims import ClaimVerdict, decide
from repro.planning.plan import Plan
from repro.settle import (
    read_stage,
    second_plan,
    stage_claims,
    stage_problem,
    stage_sentence,
)
from repro.trials.store import TrialRecord


@dataclass(frozen=True)
class SecondStageReport:
    """The second stage of a run, beside the first.

    ``sentence``  what was planned: claims and seeds
    ``records``   its trials, on seeds of their own
    ``claims``    verdicts from those trials alone
    ``cells``     (data set, method, metric) → the verdict on a printed number, from those alone
    """

    sentence: str
    records: tuple[TrialRecord, ...]
    claims: tuple[ClaimVerdict, ...]
    cells: dict[tuple[str, str, str], CellVerdict]

    def verdict_on(self, claim: str) -> ClaimVerdict | None:
        """Return the stage's verdict on a claim, or ``None`` where it does not test it."""
        return next((found for found in self.claims if found.claim.id == claim), None)


def second_stage(plan: Plan) -> SecondStageReport | None:
    """Return the second stage of ``plan``; ``None`` where none was planned.

    Its family is the claims that it tests. A cell is a question of its own.
    """
    stage, second = read_stage(plan), second_plan(plan)
    if stage is None or plan.partial:
        return None
    if second is None:
        return SecondStageReport(f"{stage_problem(plan, stage)}.", (), (), {})
    records = second.records()
    tested = replace(second, spec=replace(plan.spec, claims=stage_claims(plan, stage)))
    data = aggregate(tested, records)
    # There is no third stage, so none is proposed.
    cells = {
        key: verdict
        for key, verdict in cell_verdicts(tested, data, cap=0).items()
        if address_of(verdict.reported) in stage.cells
    }
    verdicts = tuple(decide(tested, data))
    return SecondStageReport(stage_sentence(stage), tuple(records), verdicts, cells)
