"""The report as data: everything that any of its formats prints, gathered once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repro import verdicts
from repro.aggregate import Aggregate, aggregate
from repro.plan import Plan
from repro.report import provenance, table, wording
from repro.store import TrialRecord
from repro.verdicts import ClaimVerdict


@dataclass(frozen=True)
class Document:
    """One report, before it is typeset.

    ``sentence``  the headline; ``banner``  scale, seeds and device, for every caption
    ``notes``     what limits the whole report: scale, partial selection
    """

    plan: Plan
    records: tuple[TrialRecord, ...]
    data: Aggregate
    claims: tuple[ClaimVerdict, ...]
    sentence: str
    banner: str
    notes: tuple[str, ...]
    tables: tuple[table.Table, ...]
    other_tables: tuple[table.Table, ...]
    costs: tuple[provenance.Cost, ...]
    provenance: provenance.Provenance


def make_document(plan: Plan, records: Sequence[TrialRecord]) -> Document:
    """Return the report on ``records``, the present state of the plan's trials."""
    data = aggregate(plan, records)
    claims = verdicts.decide(plan, data)
    notes = (wording.partial_note(plan), wording.scale_note(plan))
    return Document(
        plan=plan,
        records=tuple(records),
        data=data,
        claims=tuple(claims),
        sentence=verdicts.headline(plan, claims),
        banner=wording.banner(plan, records),
        notes=tuple(note for note in notes if note),
        tables=tuple(table.headline_tables(plan, data)),
        other_tables=tuple(table.other_tables(plan, data)),
        costs=tuple(provenance.costs(plan, records)),
        provenance=provenance.provenance(records),
    )
