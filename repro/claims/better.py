"""The claim that the method is better than its rivals, by a margin or at all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from repro.claims.case import Case, Evidence
from repro.claims.planned import Planned
from repro.claims.values import Pair, pairs
from repro.spec.amounts import parse_amount
from repro.statistics import (
    Comparison,
    Margin,
    Rules,
    compare_beyond,
    compare_mean,
    compare_unpaired,
)


def plan(case: Case, evidence: Evidence) -> list[Planned]:
    """Return a test for each rival on each data set, or for each rival on their mean."""
    found = list(pairs(case, evidence))
    if case.claim.on == "mean":
        return list(_on_the_mean(case, found))
    return [on_one(case, pair) for pair in found]


def on_one(case: Case, pair: Pair, budget: float | None = None, where: str = "") -> Planned:
    """Return the test of one pair; at a budget, ``where`` says so in words."""
    margin = margin_of(case, pair.metric)

    def test(rules: Rules, _: float) -> Comparison:
        against = compare_unpaired if case.claim.test == "welch" else compare_beyond
        return against(pair.sides, margin, rules)

    return _planned(case, pair, margin, test, case.place(pair.rival, pair.dataset, where), budget)


def margin_of(case: Case, metric: str) -> Margin:
    """Return the claim's margin on the scale that it is compared on."""
    text, scale = case.claim.margin, case.claim.compare
    if not text:
        return Margin(scale=scale)
    amount = parse_amount(text, units=("", "%"))
    if amount.unit == "":
        return Margin(amount=amount.number, scale=scale)
    share = amount.number / 100
    if scale == "difference":
        return Margin(share=share)
    # Better by 5 % is at most 0.95 times the rival's value, or at least 1.05 times.
    lower = case.spec.metric(metric).better == "lower"
    return Margin(amount=-math.log1p(-share) if lower else math.log1p(share), scale=scale)


def _on_the_mean(case: Case, found: Sequence[Pair]) -> Iterator[Planned]:
    for rival in dict.fromkeys(pair.rival for pair in found):
        own = [pair for pair in found if pair.rival == rival]
        margin = margin_of(case, own[0].metric)

        def test(
            rules: Rules, _: float, own: Sequence[Pair] = own, margin: Margin = margin
        ) -> Comparison:
            resplits = [case.resplit(pair.dataset) for pair in own]
            return compare_mean([pair.sides for pair in own], margin, rules, resplits)

        count = len(own)
        place = f"{case.label(rival)} on the mean of {count} data set{'s' if count > 1 else ''}"
        yield _planned(case, own[0], margin, test, place, None, dataset="")


def _planned(
    case: Case,
    pair: Pair,
    margin: Margin,
    test: Callable[[Rules, float], Comparison],
    place: str,
    budget: float | None,
    dataset: str | None = None,
) -> Planned:
    logarithmic = margin.scale == "log_ratio"
    label = "advantage as a log ratio" if logarithmic else "advantage"
    if margin.share:
        label = f"advantage beyond {100 * margin.share:g} % of the rival's value"
    elif case.claim.test in ("sign", "wilcoxon"):
        label = f"median {label}"
    return Planned(
        place=place,
        dataset=pair.dataset if dataset is None else dataset,
        metric=pair.metric,
        test=test,
        label=label,
        rival=pair.rival,
        unit="" if logarithmic else None,
        decimals=3 if logarithmic else None,
        budget=budget,
        holds=(margin.amount, None),
    )
