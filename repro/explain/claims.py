"""What stands behind a claim: its tests, its family, and the cells that it is made of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from repro.cells.aggregate import Aggregate, Cell, base_name
from repro.claims import ClaimVerdict, Finding, datasets_of, rivals_of
from repro.claims.words import unit_of
from repro.errors import UserError, did_you_mean
from repro.explain.second_stage import seeds_and_states, trials_of_claim
from repro.planning.plan import Plan
from repro.report.parts import LIKELIHOOD, likelihood
from repro.report.second_stage import SecondStageReport
from repro.spec import Claim, TableSpec

#: Fields of a claim that are told in sentences of their own.
_TOLD = ("id", "text", "source", "tested_as", "ours")


def find(verdicts: Sequence[ClaimVerdict], claim: str) -> ClaimVerdict:
    """Return the verdict on the claim of this id. An unknown one: ``UserError``."""
    known = {verdict.claim.id: verdict for verdict in verdicts}
    if claim not in known:
        raise UserError(f"CLAIM: unknown claim {claim!r}{did_you_mean(claim, known)}")
    return known[claim]


def bears_on(claim: Claim, cell: Cell, spec: TableSpec) -> bool:
    """Say whether ``claim`` is about the method, the data set and the metric of ``cell``."""
    methods = {claim.method, claim.reference, *rivals_of(claim, spec)}
    if cell.method not in methods or cell.dataset not in datasets_of(claim, spec):
        return False
    metrics = {claim.metric_for.get(cell.dataset, claim.metric), claim.cost}
    return cell.metric in metrics or base_name(cell.metric) in metrics


def outline(
    verdict: ClaimVerdict, spec: TableSpec, stage: SecondStageReport | None
) -> Iterator[str]:
    """Yield the claim, its verdict, its p-values and a line for each of its findings.

    The second stage's follow, where it tests the claim.
    """
    claim = verdict.claim
    origin = "our control" if claim.ours else f"the paper, {claim.source}"
    yield f"{claim.id} ({origin}): {verdict.verdict}"
    yield f"  {claim.text}"
    yield from _judged(verdict)
    later = stage.verdict_on(claim.id) if stage else None
    if stage and later:
        trials = seeds_and_states(trials_of_claim(stage, claim, spec))
        yield f"  second stage ({trials}): {later.verdict}"
        yield from (f"  {line}" for line in _judged(later))


def _judged(verdict: ClaimVerdict) -> Iterator[str]:
    """Yield the verdict's sentence, its p-values, a line for each of its findings."""
    yield f"  {verdict.sentence}"
    support, against = verdict.test.p_support, verdict.test.p_contradict
    yield (
        f"  p of support {support:.3g}, of contradiction {against:.3g}; two-sided "
        f"{verdict.test.p:.3g}, after Holm over {verdict.family}: {verdict.p_holm:.3g}"
    )
    yield from (f"  - {_finding(finding)}" for finding in verdict.findings)
    for title, texts in (("left out", verdict.left_out), ("undecided", verdict.reasons)):
        yield from (f"  {title}: {text}" for text in texts)


def in_full(
    verdict: ClaimVerdict,
    verdicts: Sequence[ClaimVerdict],
    plan: Plan,
    data: Aggregate,
    stage: SecondStageReport | None,
) -> Iterator[str]:
    """Yield all that there is on one claim: beside the outline its spec, notes, family, cells."""
    yield from outline(verdict, plan.spec, stage)
    yield from (f"  note: {note}" for note in verdict.notes)
    if verdict.claim.tested_as:
        yield f"tested as: {verdict.claim.tested_as}"
    yield "as the spec has it:"
    yield from (f"  {line}" for line in _definition(verdict.claim))
    yield from _family(verdict, verdicts)
    cells = [cell for cell in data.cells.values() if bears_on(verdict.claim, cell, plan.spec)]
    if cells:
        yield "cells that it uses, for `explain … --cell <cell>` (make: CELL=<cell>):"
    for cell in cells:
        yield f"  {cell.address}  {cell.state}"
    if stage and stage.verdict_on(verdict.claim.id):
        yield from _later(stage, verdict.claim, plan.spec)


def _later(stage: SecondStageReport, claim: Claim, spec: TableSpec) -> Iterator[str]:
    """Yield the family and the trials of a claim that the second stage tests."""
    verdicts = [found for found in stage.claims if found.claim.id == claim.id]
    yield "in the second stage:"
    for verdict in verdicts:
        yield from (f"  {line}" for line in _family(verdict, stage.claims))
    for record in trials_of_claim(stage, claim, spec):
        setting = record.trial.setting
        swept = "".join(f", {name} = {value}" for name, value in setting.swept.items())
        place = f"{setting.dataset}/{setting.method}{swept}"
        yield f"  trial {record.trial.trial_id}  seed {record.trial.seed}  {place}  {record.state}"


def _finding(finding: Finding) -> str:
    comparison = finding.comparison
    unit = f" {unit_of(finding)}" if finding.unit else ""
    text = f"{finding.place}: no estimate"
    if comparison.estimate is not None:
        shown = finding.number(comparison.estimate)
        text = f"{finding.place}: {finding.estimate_label} {shown}{unit}"
    if finding.interval is not None:
        low, high = (finding.number(bound) for bound in finding.interval)
        text += f", simultaneous 95 % interval {low} to {high}"
    if comparison.likelihood is not None:
        text += f", {LIKELIHOOD} {likelihood(finding)}"
    text += f", {comparison.wins} of {comparison.n} seeds won, {comparison.test}"
    text += f", p of the claim {comparison.p_greater:.3g}, of its opposite {comparison.p_less:.3g}"
    if comparison.correlation is not None:
        text += f", correlation over seeds {comparison.correlation:.2f}"
    return text


def _definition(claim: Claim) -> Iterator[str]:
    """Yield the keys of the claim's entry in the spec that say something."""
    for field in dataclasses.fields(claim):
        value = getattr(claim, field.name)
        if field.name not in _TOLD and value not in ("", None, [], {}):
            yield f"{field.name}: {value}"


def _family(verdict: ClaimVerdict, verdicts: Sequence[ClaimVerdict]) -> Iterator[str]:
    """Yield the claims that Holm corrects together, the smallest p first."""
    family = [other for other in verdicts if other.claim.ours == verdict.claim.ours]
    count = "one claim" if len(family) == 1 else f"{len(family)} claims"
    yield f"its family, {count}, by two-sided p:"
    for other in sorted(family, key=lambda member: member.test.p):
        mark = "  (this one)" if other is verdict else ""
        p = f"{other.test.p:.3g}, after Holm {other.p_holm:.3g}"
        yield f"  {other.claim.id}: {p}, {other.verdict}{mark}"
