"""What the planned seeds can show of each claim, and how many further ones would settle it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from repro.claims.finding import ALPHA, ClaimVerdict, Finding
from repro.claims.planned import wanted_datasets
from repro.claims.scope import needs_sweep, rivals_of, settings_of
from repro.plan import Plan
from repro.spec import Claim
from repro.statistics.power import further_seeds, refusal, smallest_detectable

#: What is detected of each kind, and whose variation over the seeds it is counted in.
_EFFECTS = {
    "better": ("a difference", "the paired difference"),
    "ratio": ("a distance", "numerator minus bound times denominator"),
    "gap_closed": ("a distance", "what is closed minus the share of the gap"),
    "monotone": ("a change", "the change"),
    "fit": ("a distance to the bound", "the seeds' parameters"),
}


def detectable(plan: Plan) -> list[tuple[str, str]]:
    """Return (claim's id, the smallest effect that its tests could find), in the spec's order.

    An effect is found with a probability of 80 %, for each comparison of the claim by itself.
    """
    return [(claim.id, _smallest(claim, plan)) for claim in plan.spec.claims]


def seeds_to_settle(
    plan: Plan, verdicts: Sequence[ClaimVerdict], cap: int
) -> dict[str, int | None]:
    """Return, for each undecided claim that seeds can settle, how many new ones would.

    The number is what the weakest finding needs for a probability of 80 %, if the effect and the
    variance of the first stage are the true ones; ``None`` where it is more than ``cap``. The
    family of the second stage are the claims returned, the paper's and ours apart. Claims with
    missing trials, diverged runs or an untestable part are left out: seeds would not settle them.
    """
    waiting = [verdict for verdict in verdicts if _waits_for_seeds(verdict)]
    found = {}
    for verdict in waiting:
        family = sum(other.claim.ours == verdict.claim.ours for other in waiting)
        found[verdict.claim.id] = _needed(plan, verdict, ALPHA / family, cap)
    return found


def _smallest(claim: Claim, plan: Plan) -> str:
    family = sum(other.ours == claim.ours for other in plan.spec.claims)
    level = ALPHA / family
    seeds = plan.seeds
    if needs_sweep(claim):
        seeds = min(seeds, plan.scale.sweep.seeds)
    head = f"{seeds} seed{'' if seeds == 1 else 's'}, level {level:.3g}"
    places = settings_of(claim, plan)
    if not places:
        return f"{head}: nothing that it speaks of is run at this scale"
    if seeds < 2:
        return f"{head}: one seed cannot be tested"
    datasets = {dataset for dataset, _ in places}
    return f"{head}: {_effect(claim, plan, seeds, level, datasets)}"


def _effect(claim: Claim, plan: Plan, seeds: int, level: float, datasets: set[str]) -> str:
    k = wanted_datasets(claim)
    if k is not None and k > len(datasets):
        return f"{k} data sets are asked for, and the scale has {len(datasets)}"
    # What the p of one comparison is multiplied with when at least k data sets must hold.
    level = level if k is None else level / (len(datasets) - k + 1)
    if claim.test in ("permutation", "sign", "wilcoxon"):
        refused = refusal(claim.test, seeds, level)
        if refused:
            return refused
    resplit = max(
        plan.spec.datasets[name].resplit for name in datasets if name in plan.spec.datasets
    )
    size = smallest_detectable(seeds, level, resplit=resplit)
    if claim.on == "mean":
        size /= math.sqrt(len(datasets))
    effect, variation = _EFFECTS.get(claim.kind, _EFFECTS["better"])
    return f"{effect} of {size:.2g} standard deviations of {variation}" + _each(claim, plan)


def _each(claim: Claim, plan: Plan) -> str:
    rivals = len(rivals_of(claim, plan.spec))
    return ", in each comparison" if rivals > 1 else ""


def _waits_for_seeds(verdict: ClaimVerdict) -> bool:
    testable = all(finding.comparison.contrast is not None for finding in verdict.findings)
    undecided = verdict.verdict == "undecided" and not verdict.reasons
    return undecided and testable and bool(verdict.findings)


def _needed(plan: Plan, verdict: ClaimVerdict, level: float, cap: int) -> int | None:
    """Return the seeds for the direction that the first stage points to."""
    against = [finding for finding in verdict.findings if _effect_of(finding) < 0]
    findings = verdict.findings
    k, total = wanted_datasets(verdict.claim), len({f.dataset for f in findings})
    if k is not None:
        # The weakest of the data sets that must hold, as if the rest were none of the claim.
        return _settled_by([verdict.deciding] if verdict.deciding else [], plan, level / total, cap)
    if not against:
        return _settled_by(findings, plan, level, cap)
    strongest = min(against, key=_standardised)
    return _settled_by([strongest], plan, level / len(findings), cap)


def _settled_by(findings: Sequence[Finding], plan: Plan, level: float, cap: int) -> int | None:
    """Return the seeds that all of ``findings`` need; ``None`` where one would need too many."""
    needed = [_seeds(finding, plan, level, cap) for finding in findings]
    known = [seeds for seeds in needed if seeds is not None]
    return max(known) if needed and len(known) == len(needed) else None


def _seeds(finding: Finding, plan: Plan, level: float, cap: int) -> int | None:
    contrast = finding.comparison.contrast
    assert contrast is not None
    dataset = plan.spec.datasets.get(finding.dataset)
    resplit = dataset.resplit if dataset else 0.0
    return further_seeds(*contrast, level, resplit=resplit, cap=cap)


def _effect_of(finding: Finding) -> float:
    assert finding.comparison.contrast is not None
    return finding.comparison.contrast[0]


def _standardised(finding: Finding) -> float:
    assert finding.comparison.contrast is not None
    mean, sd = finding.comparison.contrast
    return mean / sd if sd > 0 else 0.0
