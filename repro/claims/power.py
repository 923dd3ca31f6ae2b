"""What the planned seeds can show of each claim."""

from __future__ import annotations

import math

from repro.claims.finding import ALPHA
from repro.claims.planned import wanted_datasets
from repro.claims.scope import needs_sweep, rivals_of, settings_of
from repro.planning.plan import Plan
from repro.spec import Claim
from repro.statistics.power import refusal, smallest_detectable

#: What is detected of each kind, and whose variation over the seeds it is counted in.
_EFFECTS = {
    "better": ("a difference", "the paired difference"),
    "ratio": ("a distance", "numerator minus bound times denominator"),
    "gap_closed": ("a distance", "what is closed minus the share of the gap"),
    "monotone": ("a change", "the change"),
    "fit": ("a distance to the bound", "the seeds' parameters"),
    "alike": ("a distance to the margin", "the seeds' parameters, of two data sets together"),
}


def detectable(plan: Plan) -> list[tuple[str, str]]:
    """Return (claim's id, the smallest effect that its tests could find), in the spec's order.

    An effect is found with a probability of 80 %, for each comparison of the claim by itself.
    """
    return [(claim.id, _smallest(claim, plan)) for claim in plan.spec.claims]


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
    test = "welch" if claim.kind == "alike" else claim.test
    size = smallest_detectable(seeds, level, resplit=resplit, test=test)
    if claim.on == "mean":
        size /= math.sqrt(len(datasets))
    effect, variation = _EFFECTS.get(claim.kind, _EFFECTS["better"])
    return f"{effect} of {size:.2g} standard deviations of {variation}" + _each(claim, plan)


def _each(claim: Claim, plan: Plan) -> str:
    rivals = len(rivals_of(claim, plan.spec))
    return ", in each comparison" if rivals > 1 else ""
