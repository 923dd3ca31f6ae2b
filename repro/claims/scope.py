"""Which rivals and data sets a claim speaks of, and which of them this scale lacks."""

from __future__ import annotations

from repro.cells.aggregate import Aggregate
from repro.claims.case import Case, Evidence
from repro.planning.plan import Plan
from repro.spec import Claim, TableSpec
from repro.spec.rivals import rivals_of as rivals_of
from repro.trials.trial import Setting


def datasets_of(claim: Claim, spec: TableSpec) -> list[str]:
    """Return the data sets that the claim names; for ``datasets``, all of the spec."""
    if claim.over == "datasets":
        return list(spec.datasets)
    return [claim.over] if isinstance(claim.over, str) else list(claim.over)


def rivals_here(case: Case, evidence: Evidence) -> list[str]:
    """Return the claim's rivals that the scale runs; note those that it does not.

    Where it runs none of them, and at the paper's own scale where one is missing, the claim cannot
    be decided: what the paper says of its rivals would be judged by some of them.
    """
    claim = case.claim
    methods = case.plan.scale.methods or list(case.spec.methods)
    for method in filter(None, (claim.method, claim.reference)):
        if method not in methods:
            evidence.problem(f"{case.label(method)} is not run at this scale")
    wanted = rivals_of(claim, case.spec)
    absent = [rival for rival in wanted if rival not in methods]
    evidence.left_out += [f"{case.label(rival)} (not run at this scale)" for rival in absent]
    if absent and (len(absent) == len(wanted) or case.plan.scale_name == "paper"):
        who = f"{len(absent)} of the claim's {len(wanted)} rivals"
        if len(wanted) == 1:
            who = f"{case.label(absent[0])}, which it is set against,"
        evidence.problem(f"{who} {'is' if len(absent) == 1 else 'are'} not run at this scale")
    return [rival for rival in wanted if rival in methods]


def named_here(claim: Claim, plan: Plan) -> int:
    """Return how many data sets the claim speaks of; ``datasets`` means those of the scale."""
    everywhere = claim.over == "datasets"
    return len(plan.scale.datasets if everywhere else datasets_of(claim, plan.spec))


def datasets_here(case: Case, evidence: Evidence) -> list[str]:
    """Return the claim's data sets that the scale runs and that can be judged; note the others.

    The selection on the command line plays no part.
    """
    claim, wanted = case.claim, datasets_of(case.claim, case.spec)
    present = [dataset for dataset in wanted if dataset in case.plan.scale.datasets]
    absent = len(wanted) - len(present)
    if absent and claim.over != "datasets":  # "datasets" means those of the scale
        noun = "data set" if absent == 1 else "data sets"
        evidence.left_out.append(f"{absent} {noun} of other scales")
    return [dataset for dataset in present if _judged(case, dataset, evidence)]


def pairs_here(case: Case, evidence: Evidence) -> list[tuple[str, str]]:
    """Return every (data set, rival) that the claim speaks of and the scale runs."""
    rivals = rivals_here(case, evidence)
    return [(dataset, rival) for dataset in datasets_here(case, evidence) for rival in rivals]


def _judged(case: Case, dataset: str, evidence: Evidence) -> bool:
    label = case.dataset_label(dataset)
    if needs_sweep(case.claim) and dataset not in case.plan.scale.sweep.datasets:
        evidence.left_out.append(f"{label} (no sweep at this scale)")
        return False
    if not case.comparable(dataset):
        metric = case.spec.metric(case.metric_on(dataset)).label
        evidence.left_out.append(f"{label} ({metric} has no meaningful mean there)")
        return False
    return True


def needs_sweep(claim: Claim) -> bool:
    """Say whether the claim is about a swept parameter, not about the table's setting alone."""
    return claim.kind == "frontier" or claim.along not in ("", "level")


def takes(claim: Claim, setting: Setting, spec: TableSpec) -> bool:
    """Say whether the claim's test takes trials of ``setting``."""
    methods = {claim.method, claim.reference, *rivals_of(claim, spec)}
    if setting.method not in methods or setting.dataset not in datasets_of(claim, spec):
        return False
    if not needs_sweep(claim):
        return setting.in_table
    # A rival without the axis stands beside the sweep with its cell of the table.
    on_axis = claim.along in setting.swept if claim.along else bool(setting.swept)
    return setting.in_sweep if on_axis else setting.in_table


def settings_of(claim: Claim, plan: Plan) -> set[tuple[str, str]]:
    """Return every (data set, method) of the scale whose trials the claim needs."""
    case, unused = Case(claim, plan, Aggregate(plan.spec, (), {}), family=1), Evidence()
    methods = {claim.method, claim.reference, *rivals_here(case, unused)} - {""}
    return {(dataset, method) for dataset in datasets_here(case, unused) for method in methods}
