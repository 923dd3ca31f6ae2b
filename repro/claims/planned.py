"""The elementary tests that a claim is made of, and how they are taken together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from repro.claims.case import Case, Evidence
from repro.claims.finding import Finding
from repro.claims.scope import named_here
from repro.spec import Claim
from repro.statistics import Comparison, EachTest, Rules, at_least, each


@dataclass(frozen=True)
class Planned:
    """One elementary test that has its data and waits for the rules of its claim.

    ``test``  takes the rules, and what each end of the printed interval leaves out
    The other fields are those of :class:`Finding`; ``dataset`` is "" for one over several.
    """

    place: str
    dataset: str
    metric: str
    test: Callable[[Rules, float], Comparison]
    label: str
    rival: str = ""
    decimals: int | None = None
    unit: str | None = None
    budget: float | None = None
    holds: tuple[float | None, float | None] = (0.0, None)
    signed: bool = True


def evaluate(case: Case, evidence: Evidence, planned: Sequence[Planned]) -> None:
    """Make the tests, and put the findings and what they say together into ``evidence``."""
    tail = case.tail(max(1, len(planned)))
    evidence.named = named_here(case.claim, case.plan)
    support, contradiction = multiples(case.claim, planned, evidence.named)
    for one in planned:
        rules = Rules(
            resplit=case.resplit(one.dataset) if one.dataset else 0.0,
            level=case.level,
            support=support,
            contradiction=contradiction,
            test="" if case.claim.test == "welch" else case.claim.test,
        )
        evidence.findings.append(_finding(case, one, one.test(rules, tail), tail))
    k = wanted_datasets(case.claim)
    here = len({one.dataset for one in planned})
    if k is not None and 0 < here < k:
        evidence.problem(f"{k} data sets are asked for, and {here} can be tested at this scale")
    evidence.test, evidence.deciding = _together(case.claim, evidence.findings, evidence.named)


def wanted_datasets(claim: Claim) -> int | None:
    """Return k of a claim about at least k data sets; ``None`` for one about each."""
    return int(claim.on["at_least"]) if isinstance(claim.on, dict) else None


def multiples(claim: Claim, tests: Sequence[Planned | Finding], named: int) -> tuple[int, int]:
    """Return what an elementary p is multiplied with when it supports, and when it contradicts.

    ``named``  how many data sets the claim speaks of; not all of them need be among ``tests``
    """
    k = wanted_datasets(claim)
    if k is None or not tests:
        return 1, max(1, len(tests))
    sizes = Counter(one.dataset for one in tests)
    unknown = max(0, named - len(sizes))
    return max(1, len(sizes) - k + 1), max(1, k - unknown) * max(sizes.values())


def _finding(case: Case, one: Planned, comparison: Comparison, tail: float) -> Finding:
    entry = case.spec.metric(one.metric)
    return Finding(
        place=one.place,
        dataset=one.dataset,
        rival=one.rival,
        metric=one.metric,
        comparison=comparison,
        interval=comparison.interval(tail, tail),
        estimate_label=one.label,
        unit=entry.unit if one.unit is None else one.unit,
        decimals=entry.decimals if one.decimals is None else one.decimals,
        budget=one.budget,
        holds=one.holds,
        signed=one.signed,
    )


def _together(
    claim: Claim, findings: Sequence[Finding], named: int
) -> tuple[EachTest, Finding | None]:
    """Return the claim's test and the finding that it rests on."""
    k = wanted_datasets(claim)
    if k is None:
        test = each([finding.comparison for finding in findings])
        return test, _deciding(findings, test)
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.dataset, []).append(finding)
    tests = {name: each([f.comparison for f in group]) for name, group in groups.items()}
    test = at_least(list(tests.values()), k, max(named, len(tests)))
    if k > len(tests):
        return EachTest(1.0, 1.0), _deciding(findings, test)
    if test.p_contradict < test.p_support:
        order = sorted(tests, key=lambda name: tests[name].p_contradict)
        return test, _deciding(groups[order[max(named, len(tests)) - k]], test)
    order = sorted(tests, key=lambda name: tests[name].p_support)
    return test, _deciding(groups[order[k - 1]], test)


def _deciding(findings: Sequence[Finding], test: EachTest) -> Finding | None:
    if not findings:
        return None
    if test.p_contradict < test.p_support:
        return min(findings, key=lambda finding: finding.comparison.p_less)
    return max(findings, key=lambda finding: finding.comparison.p_greater)
