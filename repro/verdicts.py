"""What the data says of each claim: supported, contradicted or undecided, and why.

A claim of the kind "better in each" is two directional hypotheses. Support needs every comparison
(intersection-union); contradiction needs one that is significantly worse (Bonferroni over the
comparisons). The claim's two-sided p is twice the smaller of the two, and Holm corrects it over
the claim's family. The families are fixed by the spec: the paper's claims are one, our controls
another, and a claim that cannot be tested stays counted with p = 1. So the chance of any false
verdict in a family is at most 5 %.

The intervals that are printed beside a verdict do not make it. They say how large each advantage
may be, for every comparison of the family at once, and are wider for it. A claim can be supported
although an interval reaches 0: support needs no correction over the claim's comparisons, because
all of them must hold, and Holm asks less of a claim than dividing by the whole family does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from repro.aggregate import Aggregate, dataset_entry
from repro.evidence import Evidence, Pair, gather
from repro.plan import Plan
from repro.spec import Claim, TableSpec
from repro.statistics import Comparison, EachTest, compare, each, holm, simultaneous_tail

Verdict = Literal["supported", "contradicted", "undecided", "not decided"]

ALPHA = 0.05


@dataclass(frozen=True)
class ComparedPair:
    """A pair with its test.

    ``interval``  of the advantage in the metric's unit, positive where the method is better.
                  Simultaneous: the true advantages of all comparisons of the family lie within
                  their intervals together, with probability at least 95 % (t intervals, so as far
                  as the differences are near normal). ``None`` where there is no estimate
    """

    pair: Pair
    comparison: Comparison
    interval: tuple[float, float] | None

    @property
    def reaches_zero(self) -> bool:
        """Whether the interval leaves open which of the two is better."""
        return self.interval is not None and self.interval[0] <= 0 <= self.interval[1]


@dataclass(frozen=True)
class ClaimVerdict:
    """The verdict on one claim.

    ``deciding``  the pair that support fails or holds on: the weakest; for a contradicted claim
                  the one that contradicts it most
    ``p_holm``    two-sided, after Holm over the family of ``family`` claims
    ``reasons``   why nothing could be decided; ``notes`` what limits the verdict
    """

    claim: Claim
    verdict: Verdict
    test: EachTest
    p_holm: float
    family: int
    pairs: tuple[ComparedPair, ...]
    deciding: ComparedPair | None
    left_out: tuple[str, ...]
    reasons: tuple[str, ...]
    notes: tuple[str, ...]
    sentence: str = ""

    @property
    def wins(self) -> int:
        """Number of pairs in which the method is better on the mean."""
        return sum((compared.comparison.estimate or 0.0) > 0 for compared in self.pairs)


def decide(plan: Plan, data: Aggregate) -> list[ClaimVerdict]:
    """Return a verdict for every claim of the spec, in the spec's order."""
    found = {}
    for ours in (False, True):
        family = [claim for claim in plan.spec.claims if claim.ours == ours]
        for verdict in _decide_family(family, plan, data):
            found[verdict.claim.id] = verdict
    return [found[claim.id] for claim in plan.spec.claims]


def headline(plan: Plan, verdicts: Sequence[ClaimVerdict]) -> str:
    """Return the one sentence that a reader should take away."""
    where = f"At {plan.scale_name} scale"
    if plan.scale_name != "paper":
        where += " (direction only)"
    claims = [verdict for verdict in verdicts if not verdict.claim.ours]
    if not claims:
        return f"{where}: the spec has no claims of the paper to decide."
    if plan.partial:
        return f"{where}: a partial selection was run, so none of the paper's claims is decided."
    counts = [(sum(v.verdict == word for v in claims), word) for word in _ORDER]
    parts = [f"{count} {word}" for count, word in counts if count]
    return f"{where}: of the paper's {_claims(len(claims))} {_listed(parts)}."


_ORDER: tuple[Verdict, ...] = ("supported", "contradicted", "undecided")


def _claims(count: int) -> str:
    return "one claim" if count == 1 else f"{count} claims"


def _listed(parts: Sequence[str]) -> str:
    verb = " is" if parts[0].startswith("1 ") else " are"
    first = parts[0].replace(" ", f"{verb} ", 1)
    rest = list(parts[1:])
    if not rest:
        return first
    return ", ".join([first, *rest[:-1]]) + f" and {rest[-1]}"


def _decide_family(family: Sequence[Claim], plan: Plan, data: Aggregate) -> list[ClaimVerdict]:
    tested = [_test(claim, len(family), plan, data) for claim in family]
    adjusted = holm([verdict.test.p for verdict in tested])
    return [
        _worded(_with_verdict(verdict, p, plan.partial), plan.spec)
        for verdict, p in zip(tested, adjusted, strict=True)
    ]


def _test(claim: Claim, family: int, plan: Plan, data: Aggregate) -> ClaimVerdict:
    evidence = gather(claim, plan, data)
    compared = tuple(_compare(pair, evidence, family, plan.spec) for pair in evidence.pairs)
    comparisons = [pair.comparison for pair in compared]
    test = EachTest(1.0, 1.0) if evidence.problems else each(comparisons)
    reasons = list(evidence.problems)
    if not reasons and test.p >= 1.0:
        untested = [pair for pair in compared if pair.comparison.estimate is None]
        reasons = [f"{describe_pair(c.pair, plan.spec)}: {c.comparison.notes[0]}" for c in untested]
    return ClaimVerdict(
        claim=claim,
        verdict="undecided",
        test=test,
        p_holm=1.0,
        family=family,
        pairs=compared,
        deciding=_deciding(compared, test),
        left_out=tuple(evidence.left_out),
        reasons=tuple(dict.fromkeys(reasons)),
        notes=tuple(dict.fromkeys(note for pair in comparisons for note in pair.notes)),
    )


def _compare(pair: Pair, evidence: Evidence, family: int, spec: TableSpec) -> ComparedPair:
    level = ALPHA / family
    count = len(evidence.pairs)
    comparison = compare(
        pair.method_values,
        pair.rival_values,
        better=spec.metric(pair.metric).better,
        resplit=dataset_entry(spec, pair.dataset).resplit,
        level=level,
        pairs=count,
    )
    tail = simultaneous_tail(count, family, ALPHA)
    return ComparedPair(pair, comparison, comparison.interval(tail, tail))


def _deciding(compared: Sequence[ComparedPair], test: EachTest) -> ComparedPair | None:
    if not compared:
        return None
    if test.p_contradict < test.p_support:
        return min(compared, key=lambda pair: pair.comparison.p_less)
    return max(compared, key=lambda pair: pair.comparison.p_greater)


def _with_verdict(verdict: ClaimVerdict, p_holm: float, partial: bool) -> ClaimVerdict:
    word: Verdict = "undecided"
    if partial:
        word = "not decided"
    elif p_holm <= ALPHA:
        word = verdict.test.direction
    return replace(verdict, verdict=word, p_holm=p_holm)


def _worded(verdict: ClaimVerdict, spec: TableSpec) -> ClaimVerdict:
    sentence = _sentence(verdict, spec)
    if verdict.left_out and verdict.verdict != "not decided":
        sentence += f" Left out: {_shortened(verdict.left_out)}."
    return replace(verdict, sentence=sentence)


def _sentence(verdict: ClaimVerdict, spec: TableSpec) -> str:
    if verdict.verdict == "not decided":
        return "Not decided: a partial selection decides nothing new."
    deciding = verdict.deciding
    if verdict.reasons or deciding is None:
        return f"Undecided: {_shortened(verdict.reasons)}."
    method = spec.methods[verdict.claim.method].label
    place = describe_pair(deciding.pair, spec)
    advantage = _evidence(verdict, deciding, spec)
    count = len(verdict.pairs)
    if verdict.verdict == "supported" and count == 1:
        return f"{method} is significantly better than {place}: {advantage}."
    if verdict.verdict == "supported":
        return (
            f"{method} is better in all {count} comparisons; the weakest is {place}: {advantage}."
        )
    if verdict.verdict == "contradicted":
        return f"{method} is significantly worse than {place}: {advantage}."
    if count == 1:
        return f"The data do not settle {method} against {place}: {advantage}."
    tally = f"{method} is better on the mean in {verdict.wins} of {count} comparisons"
    return f"{tally}, but the data do not settle {place}: {advantage}."


def _evidence(verdict: ClaimVerdict, deciding: ComparedPair, spec: TableSpec) -> str:
    """Return what the deciding pair shows, and why its interval may seem to say another thing."""
    text = describe_advantage(deciding, spec, verdict.test.direction)
    settled = verdict.verdict in ("supported", "contradicted")
    if settled and deciding.reaches_zero:
        return f"{text} (which covers the whole family's comparisons at once; the test need not)"
    if not settled and deciding.interval is not None and not deciding.reaches_zero:
        return f"{text} (by t alone; the sign test beside it does not reach the level)"
    return text


def _shortened(reasons: Sequence[str], shown: int = 2) -> str:
    text = "; ".join(reasons[:shown]) or "there is nothing to test"
    more = len(reasons) - shown
    return text + (f"; and {more} more" if more > 0 else "")


def describe_pair(pair: Pair, spec: TableSpec) -> str:
    """Return ``rival on data set``, with the budget of a frontier."""
    place = f"{spec.methods[pair.rival].label} on {dataset_entry(spec, pair.dataset).label}"
    return place if pair.budget is None else f"{place} at {pair.budget:g}"


def describe_p(p: float) -> str:
    """Return a p-value as papers print it."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def describe_advantage(
    compared: ComparedPair, spec: TableSpec, direction: Literal["supported", "contradicted"]
) -> str:
    """Return the advantage in the metric's unit, the p of ``direction``, the interval."""
    metric = spec.metric(compared.pair.metric)
    if compared.comparison.estimate is None:
        return compared.comparison.notes[0] if compared.comparison.notes else "no estimate"
    digits = metric.decimals
    unit = f" {metric.unit}" if metric.unit else ""
    comparison = compared.comparison
    p = comparison.p_greater if direction == "supported" else comparison.p_less
    text = f"{metric.label} advantage {comparison.estimate:+.{digits}f}{unit}"
    text += f", one-sided p {describe_p(p)}"
    if compared.interval is None:
        return text
    low, high = compared.interval
    return f"{text}, simultaneous 95 % interval {low:+.{digits}f} to {high:+.{digits}f}"
