"""The sentence that says a verdict in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from repro.claims.finding import ClaimVerdict, Finding
from repro.claims.phrases import Phrases, phrases
from repro.claims.planned import wanted_datasets
from repro.spec import TableSpec


def worded(verdict: ClaimVerdict, spec: TableSpec) -> ClaimVerdict:
    """Return ``verdict`` with its sentence."""
    sentence = _sentence(verdict, spec)
    if verdict.left_out and verdict.verdict != "not decided":
        sentence += f" Left out: {_shortened(verdict.left_out)}."
    return replace(verdict, sentence=sentence)


def describe_p(p: float) -> str:
    """Return a p-value as papers print it."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _sentence(verdict: ClaimVerdict, spec: TableSpec) -> str:
    if verdict.verdict == "not decided":
        return "Not decided: a partial selection decides nothing new."
    deciding = verdict.deciding
    if verdict.reasons or deciding is None:
        return f"Undecided: {_shortened(verdict.reasons)}."
    words = phrases(verdict.claim, deciding, spec)
    evidence = _evidence(verdict, deciding, spec)
    if verdict.verdict == "supported":
        return f"{_supported(verdict, deciding, words)}: {evidence}."
    if verdict.verdict == "contradicted":
        return f"{_contradicted(verdict, words)}: {evidence}."
    return f"{_open(verdict, deciding, words)}: {evidence}."


def _supported(verdict: ClaimVerdict, deciding: Finding, words: Phrases) -> str:
    count, k = len(verdict.findings), wanted_datasets(verdict.claim)
    if count == 1:
        return words.holds
    if k is None:
        return f"{words.general} in all {count} comparisons; the weakest is {deciding.place}"
    total = _datasets(verdict)
    return f"{words.general} on at least {k} of {total} data sets; {deciding.place} decides"


def _contradicted(verdict: ClaimVerdict, words: Phrases) -> str:
    k = wanted_datasets(verdict.claim)
    if k is None:
        return words.fails
    total = _datasets(verdict)
    return f"{words.fails}, and {total - k + 1} such data sets of {total} rule out {k}"


def _open(verdict: ClaimVerdict, deciding: Finding, words: Phrases) -> str:
    count = len(verdict.findings)
    if count == 1:
        return f"The data do not settle {words.open}"
    tally = f"{words.general} on the mean in {verdict.wins} of {count} comparisons"
    return f"{tally}, but the data do not settle {deciding.place}"


def _datasets(verdict: ClaimVerdict) -> int:
    return len({finding.dataset for finding in verdict.findings})


def _evidence(verdict: ClaimVerdict, deciding: Finding, spec: TableSpec) -> str:
    """Return what the deciding finding shows, and why its interval may seem to say otherwise."""
    text = _described(verdict, deciding, spec)
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


def _described(verdict: ClaimVerdict, finding: Finding, spec: TableSpec) -> str:
    comparison = finding.comparison
    if comparison.estimate is None:
        return comparison.notes[0] if comparison.notes else "no estimate"
    unit = f" {finding.unit}" if finding.unit else ""
    supporting = verdict.test.direction == "supported"
    p = comparison.p_greater if supporting else comparison.p_less
    label = f"{spec.metric(finding.metric).label} {finding.estimate_label}"
    text = f"{label} {finding.number(comparison.estimate)}{unit}, one-sided p {describe_p(p)}"
    if finding.interval is None:
        return text
    low, high = map(finding.number, finding.interval)
    return f"{text}, simultaneous 95 % interval {low} to {high}"


def _shortened(reasons: Sequence[str], shown: int = 2) -> str:
    text = "; ".join(reasons[:shown]) or "there is nothing to test"
    more = len(reasons) - shown
    return text + (f"; and {more} more" if more > 0 else "")
