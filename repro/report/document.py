"""The report as data: everything that any of its formats prints, gathered once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro.cells.aggregate import Aggregate, aggregate
from repro.cells.overall import overall
from repro.cells.overall_row import OverallRow
from repro.cells.verdicts import CellVerdict, cell_verdicts
from repro.claims import ClaimVerdict, decide, headline
from repro.planning.plan import Plan
from repro.report import provenance, table_filling, wording
from repro.report.loss_profile import LossProfile, loss_profiles
from repro.report.second_stage import SecondStageReport, second_stage
from repro.report.table import Table
from repro.report.tuning_effort import TuningEffort, tuning_effort
from repro.trials.store import TrialRecord


@dataclass(frozen=True)
class Document:
    """One report, before it is typeset.

    ``sentence``  the headline; ``banner``  scale, seeds and device, for every caption
    ``notes``     what limits the whole report: scale, partial selection
    ``other_tables``  of metrics beside the headline's; ``silent_tables`` of those that mean nothing
                  on any data set, for the macros alone
    ``printed_note``  what the paper's numbers beside ours are; empty where none is compared
    """

    plan: Plan
    records: tuple[TrialRecord, ...]
    data: Aggregate
    claims: tuple[ClaimVerdict, ...]
    second_stage: SecondStageReport | None
    sentence: str
    banner: str
    notes: tuple[str, ...]
    printed_note: str
    cell_verdicts: dict[tuple[str, str, str], CellVerdict]
    tables: tuple[Table, ...]
    other_tables: tuple[Table, ...]
    silent_tables: tuple[Table, ...]
    overall: tuple[OverallRow, ...]
    tuning: TuningEffort | None
    costs: tuple[provenance.Cost, ...]
    loss_profiles: tuple[LossProfile, ...]
    provenance: provenance.Provenance

    @property
    def paper_claims(self) -> list[ClaimVerdict]:
        """The verdicts on what the paper says."""
        return [verdict for verdict in self.claims if not verdict.claim.ours]

    @property
    def controls(self) -> list[ClaimVerdict]:
        """The verdicts on what the harness adds."""
        return [verdict for verdict in self.claims if verdict.claim.ours]

    @property
    def marks(self) -> list[str]:
        """The states and verdicts of cells that any table shows, for the legend."""
        found = {word for each in (*self.tables, *self.other_tables) for word in each.states}
        return [word for word in wording.SYMBOLS if word in found]


def make_document(plan: Plan, records: Sequence[TrialRecord]) -> Document:
    """Return the report on ``records``, the present state of the plan's trials."""
    data = aggregate(plan, records)
    claims = decide(plan, data)
    notes = (wording.partial_note(plan), wording.scale_note(plan))
    verdicts = cell_verdicts(plan, data)
    second = second_stage(plan)
    judged = table_filling.Judged(verdicts, second.cells if second else {})
    others = (
        ("Tuning", plan.records(plan.tuning_trials)),
        ("Second stage", second.records if second else ()),
    )
    beside = table_filling.other_tables(plan, data, judged)
    return Document(
        plan=plan,
        records=tuple(records),
        data=data,
        claims=tuple(claims),
        second_stage=second,
        sentence=headline(
            plan, claims, verdicts.values(), ran=any(r.result or r.error for r in records)
        ),
        banner=wording.banner(plan, records),
        notes=tuple(note for note in notes if note),
        printed_note=wording.printed_note(plan),
        cell_verdicts=verdicts,
        tables=tuple(table_filling.headline_tables(plan, data, judged)),
        other_tables=tuple(one for one in beside if one.says_anything),
        silent_tables=tuple(one for one in beside if not one.says_anything),
        overall=tuple(overall(plan, data)),
        tuning=tuning_effort(plan),
        costs=tuple(provenance.costs(plan, records, others)),
        loss_profiles=loss_profiles(plan),
        provenance=provenance.provenance(plan, records, others),
    )
