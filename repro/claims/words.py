"""The sentence that says a verdict in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from repro.cells.sentences import conditional, on_what_seeds_share
from repro.claims.finding import ClaimVerdict, Finding
from repro.claims.phrases import POINTS, Phrases, phrases
from repro.claims.planned import wanted_datasets
from repro.claims.scope import rivals_of
from repro.spec import TableSpec
from repro.statistics import Comparison

#: Reasons that a sentence names; more are counted.
SHOWN_REASONS = 2


def worded(verdict: ClaimVerdict, spec: TableSpec) -> ClaimVerdict:
    """Return ``verdict`` with its sentence, and its reasons grouped."""
    verdict = replace(
        verdict, reasons=_grouped(verdict.reasons, [f.place for f in verdict.findings])
    )
    sentence = _sentence(verdict, spec)
    judged = verdict.verdict != "not decided" and not verdict.reasons
    if verdict.tables and judged:
        sentence += f" {conditional(verdict.tables)}"
    if verdict.shared and judged:
        sentence += f" It is {on_what_seeds_share(verdict.shared)}."
    if verdict.conditional and judged:
        sentence += f" It is {verdict.conditional}."
    if verdict.left_out and verdict.verdict != "not decided":
        sentence += f" Left out: {_shortened(verdict.left_out)}."
    return replace(verdict, sentence=sentence)


def describe_p(p: float) -> str:
    """Return a p-value as papers print it."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def describe_sides(comparison: Comparison) -> str:
    """Return both one-sided p-values, each with its side."""
    claim, opposite = describe_p(comparison.p_greater), describe_p(comparison.p_less)
    return f"p of the claim {claim}, of its opposite {opposite}"


def unit_of(finding: Finding) -> str:
    """Return a finding's unit; a difference between percentages is in points, not a share."""
    points = finding.unit == "%" and finding.signed
    return POINTS if points else finding.unit


def _sentence(verdict: ClaimVerdict, spec: TableSpec) -> str:
    if verdict.verdict == "not decided":
        return "Not decided: a partial selection decides nothing new."
    deciding = verdict.deciding
    if verdict.reasons or deciding is None:
        return f"Undecided: {_shortened(verdict.reasons)}."
    words = phrases(verdict.claim, deciding, spec)
    evidence = _evidence(verdict, deciding, spec)
    if verdict.verdict == "supported":
        text = _supported(verdict, deciding, words)
    elif verdict.verdict == "contradicted":
        text = _contradicted(verdict, words)
    else:
        text = _open(verdict, deciding, words)
    return f"{text}{_judged(verdict, spec)}: {evidence}."


def _judged(verdict: ClaimVerdict, spec: TableSpec) -> str:
    """Return in brackets by which part of its rivals and budgets the claim was judged."""
    claim, parts = verdict.claim, []
    wanted = rivals_of(claim, spec)
    rivals = len({finding.rival for finding in verdict.findings})
    if wanted and rivals < len(wanted):
        noun = "baselines" if claim.than in ("", "all_baselines") else "named rivals"
        parts.append(f"against {rivals} of {len(wanted)} {noun}")
    declared = len(set(claim.budgets)) if isinstance(claim.budgets, list) else 0
    budgets = len({finding.budget for finding in verdict.findings})
    if budgets < declared:
        parts.append(f"at {budgets} of {declared} budgets")
    return f" (judged {' and '.join(parts)})" if parts else ""


def _supported(verdict: ClaimVerdict, deciding: Finding, words: Phrases) -> str:
    count, k = len(verdict.findings), wanted_datasets(verdict.claim)
    if count == 1:
        return words.holds
    if k is None:
        return f"{words.general} in all {count} comparisons; the weakest is {deciding.place}"
    total = verdict.named
    return f"{words.general} on at least {k} of {total} data sets; {deciding.place} decides"


def _contradicted(verdict: ClaimVerdict, words: Phrases) -> str:
    k = wanted_datasets(verdict.claim)
    if k is None:
        return words.fails
    total = verdict.named
    return f"{words.fails}, and {total - k + 1} such data sets of {total} rule out {k}"


def _open(verdict: ClaimVerdict, deciding: Finding, words: Phrases) -> str:
    count = len(verdict.findings)
    if count == 1:
        return f"The data do not settle {words.open}"
    tally = f"{words.general} on the mean in {verdict.wins or 'none'} of {count} comparisons"
    link = "but" if verdict.wins else "and"
    return f"{tally}, {link} the data do not settle {deciding.place}"


def _evidence(verdict: ClaimVerdict, deciding: Finding, spec: TableSpec) -> str:
    """Return what the deciding finding shows, and why its interval may seem to say otherwise."""
    text = _described(deciding, spec)
    settled = verdict.verdict in ("supported", "contradicted")
    if settled and deciding.reaches_bound:
        return f"{text} (which covers the whole family's comparisons at once; the test need not)"
    if not settled and deciding.interval is not None and not deciding.reaches_bound:
        return f"{text} ({_why_not(deciding.comparison.test)})"
    return text


def _why_not(test: str) -> str:
    """Say why an interval that clears its bound did not suffice."""
    if test.startswith("Welch"):
        return "by t alone; the permutation test beside it does not reach the level"
    if "t" in test.replace(",", "").split():
        return "by t alone; the sign test beside it does not reach the level"
    return f"the {test} test, which decides, does not reach the level"


def _described(finding: Finding, spec: TableSpec) -> str:
    comparison = finding.comparison
    if comparison.estimate is None:
        return comparison.notes[0] if comparison.notes else "no estimate"
    unit = f" {unit_of(finding)}" if finding.unit else ""
    p = describe_sides(comparison)
    label = f"{spec.metric(finding.metric).label} {finding.estimate_label}"
    text = f"{label} {finding.number(comparison.estimate)}{unit}, {p}"
    if finding.interval is None:
        return text
    low, high = map(finding.number, finding.interval)
    return f"{text}, simultaneous 95 % interval {low} to {high}"


def _grouped(reasons: Sequence[str], tested: Sequence[str]) -> tuple[str, ...]:
    """Return the reasons, those that are the same but for their place as one with their number.

    ``tested``  the places of the findings: how many a number is of, where the reasons are theirs
    """
    places: dict[str, list[str]] = {}
    for reason in reasons:
        place, colon, why = reason.partition(": ")
        places.setdefault(why if colon else reason, []).append(place if colon else "")
    grouped = []
    for why, found in places.items():
        if len(found) == 1:
            grouped.append(f"{found[0]}: {why}" if found[0] else why)
            continue
        of = f" of {len(tested)}" if set(found) <= set(tested) else ""
        grouped.append(f"{len(found)}{of} comparisons: {why}")
    return tuple(grouped)


def _shortened(reasons: Sequence[str], shown: int = SHOWN_REASONS) -> str:
    text = "; ".join(reasons[:shown]) or "there is nothing to test"
    more = len(reasons) - shown
    return text + (f"; and {more} more" if more > 0 else "")
