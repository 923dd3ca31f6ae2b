"""What the data says of each claim: supported, contradicted or undecided, and why.

A claim is two directional hypotheses: that it holds, and its opposite. The claim's two-sided p is
twice the smaller of the two one-sided ones, and Holm corrects it over the claim's family. The
families are fixed by the spec: the paper's claims are one, our controls another, and a claim that
cannot be tested stays counted with p = 1. So the chance of any false verdict in a family is at most
5 %.

The intervals that are printed beside a verdict do not make it. They say how large each estimate's
true value may be, for every finding of the family at once, and are wider for it. A claim can be
supported although an interval reaches 0: support needs no correction over the claim's findings,
where all of them must hold, and Holm asks less of a claim than dividing by the whole family does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from repro.cells.aggregate import Aggregate
from repro.cells.shared_artifacts import conditional_on
from repro.claims.case import Case, Evidence
from repro.claims.finding import ALPHA, ClaimVerdict, Finding, Verdict
from repro.claims.kinds import PLANS
from repro.claims.planned import evaluate
from repro.claims.scope import datasets_here, settings_of, takes
from repro.claims.words import worded
from repro.planning.plan import Plan
from repro.spec import Claim
from repro.statistics import Comparison, EachTest, holm


def decide(
    plan: Plan, data: Aggregate, claims: Sequence[Claim] | None = None
) -> list[ClaimVerdict]:
    """Return a verdict for each of ``claims``, in their order; by default, of the spec's.

    ``claims`` are the family that is judged together, split into the paper's and ours: of a second
    stage, those that were taken into it. ``data`` holds the trials that they are judged by, and
    the planned seeds are those of its records.
    """
    wanted = plan.spec.claims if claims is None else claims
    found = {}
    for ours in (False, True):
        family = [claim for claim in wanted if claim.ours == ours]
        for verdict in _decide_family(family, plan, data):
            found[verdict.claim.id] = verdict
    return [found[claim.id] for claim in wanted]


def _decide_family(family: Sequence[Claim], plan: Plan, data: Aggregate) -> list[ClaimVerdict]:
    tested = [_test(Case(claim, plan, data, len(family))) for claim in family]
    adjusted = holm([verdict.test.p for verdict in tested])
    return [
        worded(_with_verdict(verdict, p, plan.partial), plan.spec)
        for verdict, p in zip(tested, adjusted, strict=True)
    ]


def _test(case: Case) -> ClaimVerdict:
    evidence = Evidence()
    planned = PLANS[case.claim.kind](case, evidence)
    evaluate(case, evidence, planned)
    if not evidence.findings and not evidence.problems:
        evidence.problem("nothing that the claim speaks of is run at this scale")
    test = EachTest(1.0, 1.0) if evidence.problems else evidence.test
    comparisons = evidence.comparisons
    return ClaimVerdict(
        claim=case.claim,
        verdict="undecided",
        test=test,
        p_holm=1.0,
        family=case.family,
        findings=tuple(evidence.findings),
        deciding=evidence.deciding,
        left_out=tuple(evidence.left_out),
        named=evidence.named,
        tables=tuple(_tables(case)) if evidence.findings else (),
        shared=tuple(_shared(case)) if evidence.findings else (),
        conditional=_conditional(case) if evidence.findings else "",
        reasons=tuple(evidence.problems) or _reasons(evidence.findings, test),
        notes=tuple(dict.fromkeys(note for one in comparisons for note in one.notes)),
    )


def _tables(case: Case) -> Iterator[str]:
    """Yield the labels of the claim's data sets whose seeds split one finite table anew."""
    judged = datasets_here(case, Evidence())
    return (case.dataset_label(name) for name in judged if case.resplit(name) > 0)


def _shared(case: Case) -> Iterator[tuple[str, str]]:
    """Yield what the seeds have in common of each of the claim's data sets, and its label."""
    for name in datasets_here(case, Evidence()):
        if case.shared(name):
            yield case.shared(name), case.dataset_label(name)


def _conditional(case: Case) -> str:
    """Return which artefacts the seeds share of the settings that the claim compares."""
    wanted = settings_of(case.claim, case.plan)
    compared = [
        group
        for group in case.data.groups
        if (group.setting.dataset, group.setting.method) in wanted
        and takes(case.claim, group.setting, case.spec)
    ]
    return conditional_on(compared, case.spec)


def _reasons(findings: Sequence[Finding], test: EachTest) -> tuple[str, ...]:
    """Return why findings say nothing, where the claim's p says nothing either."""
    if test.p < 1.0:
        return ()
    mute = [f for f in findings if _mute(f.comparison) and f.comparison.notes]
    return tuple(dict.fromkeys(f"{f.place}: {f.comparison.notes[0]}" for f in mute))


def _mute(comparison: Comparison) -> bool:
    nothing = comparison.p_greater == 1.0 and comparison.p_less == 1.0
    return nothing or comparison.estimate is None


def _with_verdict(verdict: ClaimVerdict, p_holm: float, partial: bool) -> ClaimVerdict:
    word: Verdict = "undecided"
    if partial:
        word = "not decided"
    elif p_holm <= ALPHA:
        word = verdict.test.direction
    return replace(verdict, verdict=word, p_holm=p_holm)
