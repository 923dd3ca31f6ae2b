"""How each kind of claim is put into words: what it says, and what its opposite is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from repro.claims.finding import Finding
from repro.spec import Claim, TableSpec
from repro.spec.amounts import parse_amount

#: The unit of a difference between percentages.
POINTS = "percentage points"


@dataclass(frozen=True)
class Phrases:
    """Parts of sentences on a claim; those on one finding name its place.

    ``general``  the claim, without a place: "CS-IB is better"
    ``holds``    one finding is significant: "CS-IB is significantly better than VIB on Diabetes"
    ``fails``    its opposite is
    ``open``     what is not settled: "CS-IB against VIB on Diabetes"
    """

    general: str
    holds: str
    fails: str
    open: str


def phrases(claim: Claim, finding: Finding, spec: TableSpec) -> Phrases:
    """Return the words for a claim whose verdict rests on ``finding``."""
    return _KINDS[claim.kind](claim, finding, spec)


def _better(claim: Claim, finding: Finding, spec: TableSpec) -> Phrases:
    method, place = spec.methods[claim.method].label, finding.place
    if not claim.margin:
        return Phrases(
            general=f"{method} is better",
            holds=f"{method} is significantly better than {place}",
            fails=f"{method} is significantly worse than {place}",
            open=f"{method} against {place}",
        )
    margin = _amount(claim, spec)
    return Phrases(
        general=f"{method} is better by more than {margin}",
        holds=f"{method} is better than {place} by significantly more than {margin}",
        fails=f"{method} is not better than {place} by {margin}: significantly less than that",
        open=f"whether {method} is better than {place} by more than {margin}",
    )


def _ratio(claim: Claim, finding: Finding, spec: TableSpec) -> Phrases:
    subject = f"{spec.methods[claim.method].label}'s {spec.metric(finding.metric).label}"
    place = f"times that of {finding.place}"
    said = _range(claim.at_least, claim.at_most)
    return Phrases(
        general=f"{subject} is {said} times its rival's",
        holds=f"{subject} is significantly {said} {place}",
        fails=f"{subject} is significantly not {said} {place}",
        open=f"whether {subject} is {said} {place}",
    )


def _gap(claim: Claim, finding: Finding, spec: TableSpec) -> Phrases:
    method, reference = (spec.methods[name].label for name in (claim.method, claim.reference))
    share = f"{100 * (claim.at_least or 0.0):g} % of the gap"
    whole = f"between {finding.place} and {reference}"
    return Phrases(
        general=f"{method} closes at least {share} to {reference}",
        holds=f"{method} closes significantly more than {share} {whole}",
        fails=f"{method} closes significantly less than {share} {whole}",
        open=f"whether {method} closes at least {share} {whole}",
    )


def _monotone(claim: Claim, finding: Finding, spec: TableSpec) -> Phrases:
    method, metric = spec.methods[claim.method].label, spec.metric(finding.metric).label
    subject = f"{method}'s {metric}"
    where = f"on {finding.place}"
    if finding.rival:
        subject, where = f"{method}'s advantage in {metric}", f"over {finding.place}"
    opposite = {"rises": "falls", "falls": "rises"}[claim.direction]
    return Phrases(
        general=f"{subject} {claim.direction}",
        holds=f"{subject} {where} {claim.direction} significantly",
        fails=f"{subject} {where} {opposite} significantly",
        open=f"whether {subject} {where} {claim.direction}",
    )


def _crossing(claim: Claim, finding: Finding, spec: TableSpec) -> Phrases:
    method = spec.methods[claim.method].label
    at_start = finding.holds[0] is None
    here, other = ("worse", "better") if at_start else ("better", "worse")
    start, end = [f"{value:g}" for value in claim.between] or ("the start", "the end")
    return Phrases(
        general=f"{method} is worse at {start} and better at {end}, as claimed,",
        holds=f"{method} is significantly {here} than {finding.place}",
        fails=f"{method} is significantly {other} than {finding.place}, not {here}",
        open=f"whether {method} is {here} than {finding.place}",
    )


def _fit(claim: Claim, finding: Finding, spec: TableSpec) -> Phrases:
    subject, capital = _parameter(claim, finding, spec)
    said = _range(claim.at_least, claim.at_most)
    return Phrases(
        general=f"{capital} is {said}",
        holds=f"{capital} of {finding.place} is significantly {said}",
        fails=f"{capital} of {finding.place} is significantly not {said}",
        open=f"whether {subject} of {finding.place} is {said}",
    )


def _alike(claim: Claim, finding: Finding, spec: TableSpec) -> Phrases:
    subject, capital = _parameter(claim, finding, spec)
    said = f"differs between {finding.place}"
    return Phrases(
        general=f"{capital} of any two data sets differs by less than {claim.margin}",
        holds=f"{capital} {said} by significantly less than {claim.margin}",
        fails=f"{capital} {said} by significantly more than {claim.margin}",
        open=f"whether {subject} {said} by less than {claim.margin}",
    )


def _equivalent(claim: Claim, finding: Finding, spec: TableSpec) -> Phrases:
    method, margin = spec.methods[claim.method].label, _amount(claim, spec)
    return Phrases(
        general=f"{method} differs by less than {margin}",
        holds=f"{method} differs from {finding.place} by significantly less than {margin}",
        fails=f"{method} differs from {finding.place} by significantly more than {margin}",
        open=f"whether {method} differs from {finding.place} by less than {margin}",
    )


_KINDS: dict[str, Callable[[Claim, Finding, TableSpec], Phrases]] = {
    "better": _better,
    "ratio": _ratio,
    "gap_closed": _gap,
    "monotone": _monotone,
    "crossing": _crossing,
    "fit": _fit,
    "alike": _alike,
    "frontier": _better,
    "equivalent": _equivalent,
}


def _parameter(claim: Claim, finding: Finding, spec: TableSpec) -> tuple[str, str]:
    """Return how a fitted parameter is called, within a sentence and at its start."""
    form = claim.form.replace("_", " ")
    subject = f"the {claim.parameter} of the {form} fitted to {spec.metric(finding.metric).label}"
    return subject, subject[0].upper() + subject[1:]


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f"between {low:g} and {high:g}"
    return f"at most {high:g}" if low is None else f"at least {low:g}"


def _amount(claim: Claim, spec: TableSpec) -> str:
    """Return the margin in words; a share is of the rival's value."""
    amount = parse_amount(claim.margin, units=("", "%"))
    if amount.unit == "%":
        return f"{amount.number:g} % of its value"
    unit = spec.metric(claim.metric).unit
    unit = POINTS if unit == "%" else unit
    return f"{amount.number:g} {unit}".rstrip()
