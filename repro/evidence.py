"""What a claim rests on: which runs are set against which, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from repro.aggregate import Aggregate, Group, base_name, dataset_entry
from repro.plan import Plan
from repro.spec import Claim, TableSpec
from repro.statistics import interpolate


@dataclass(frozen=True)
class Pair:
    """The method's values and a rival's on one data set, seed by seed.

    ``budget``  for a frontier: the cost at which both curves are read
    """

    dataset: str
    rival: str
    metric: str
    method_values: tuple[float, ...]
    rival_values: tuple[float, ...]
    budget: float | None = None


@dataclass
class Evidence:
    """All pairs of a claim.

    ``left_out``  parts of the claim that this scale cannot test and the verdict must name
    ``problems``  why the claim cannot be decided at all; empty if it can
    """

    pairs: list[Pair] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def gather(claim: Claim, plan: Plan, data: Aggregate) -> Evidence:
    """Return the evidence for ``claim`` among the trials of ``plan``.

    The claim's family, rivals and data sets come from the spec's scale, never from what was
    selected on the command line.
    """
    evidence = Evidence()
    methods = plan.scale.methods or list(plan.spec.methods)
    if claim.method not in methods:
        evidence.problems.append(f"{_label(plan.spec, claim.method)} is not run at this scale")
        return evidence
    rivals = _rivals(claim, plan.spec, methods, evidence)
    datasets = _datasets(claim, plan, evidence)
    for dataset in datasets:
        for rival in rivals:
            _gather_pair(claim, dataset, rival, data, evidence)
    if not evidence.pairs and not evidence.problems:
        evidence.problems.append("nothing that the claim speaks of is run at this scale")
    return evidence


def rivals_of(claim: Claim, spec: TableSpec) -> list[str]:
    """Return the methods that the claim sets its own against."""
    if claim.than == "all_baselines":
        return [key for key in spec.methods_with_role("baseline") if key != claim.method]
    return [claim.than] if isinstance(claim.than, str) else list(claim.than)


def datasets_of(claim: Claim, spec: TableSpec) -> list[str]:
    """Return the data sets that the claim names; for ``datasets``, all of the spec."""
    if claim.over == "datasets":
        return list(spec.datasets)
    return [claim.over] if isinstance(claim.over, str) else list(claim.over)


def _rivals(claim: Claim, spec: TableSpec, methods: Sequence[str], evidence: Evidence) -> list[str]:
    wanted = rivals_of(claim, spec)
    for rival in wanted:
        if rival not in methods:
            evidence.left_out.append(f"{_label(spec, rival)} (not run at this scale)")
    return [rival for rival in wanted if rival in methods]


def _datasets(claim: Claim, plan: Plan, evidence: Evidence) -> list[str]:
    here = plan.scale.sweep.datasets if claim.kind == "frontier" else plan.scale.datasets
    kept = []
    elsewhere = [d for d in datasets_of(claim, plan.spec) if d not in plan.scale.datasets]
    if elsewhere and claim.over != "datasets":  # "datasets" means those of the scale
        noun = "data set" if len(elsewhere) == 1 else "data sets"
        evidence.left_out.append(f"{len(elsewhere)} {noun} of other scales")
    for dataset in datasets_of(claim, plan.spec):
        label = dataset_entry(plan.spec, dataset).label
        if dataset in elsewhere:
            continue
        if dataset not in here:
            evidence.left_out.append(f"{label} (no sweep at this scale)")
        elif not _comparable(claim, dataset, plan.spec):
            evidence.left_out.append(
                f"{label} ({_metric_label(claim, dataset, plan.spec)} has no meaningful mean there)"
            )
        else:
            kept.append(dataset)
    return kept


def metric_on(claim: Claim, dataset: str) -> str:
    """Return the metric by which the claim is judged on a data set."""
    return claim.metric_for.get(dataset, claim.metric)


def _comparable(claim: Claim, dataset: str, spec: TableSpec) -> bool:
    names = {metric_on(claim, dataset)} | ({claim.cost} if claim.kind == "frontier" else set())
    names |= {base_name(name) for name in names}
    return names.isdisjoint(dataset_entry(spec, dataset).not_compared)


def _gather_pair(
    claim: Claim, dataset: str, rival: str, data: Aggregate, evidence: Evidence
) -> None:
    if claim.kind == "frontier":
        _gather_frontier(claim, dataset, rival, data, evidence)
        return
    metric = metric_on(claim, dataset)
    sides = []
    for method in (claim.method, rival):
        cell = data.cell(dataset, method, metric)
        if cell is None:
            _problem(evidence, _unmeasured(data, dataset, method, metric))
            return
        if not cell.complete:
            _problem(evidence, _unfinished(data.spec, [cell.group], metric))
            return
        sides.append(cell.values)
    seeds = sorted(sides[0].keys() & sides[1].keys())
    ours, theirs = (tuple(side[seed] for seed in seeds) for side in sides)
    evidence.pairs.append(Pair(dataset, rival, metric, ours, theirs))


def _gather_frontier(
    claim: Claim, dataset: str, rival: str, data: Aggregate, evidence: Evidence
) -> None:
    metric = metric_on(claim, dataset)
    curves = [data.curve(dataset, method) for method in (claim.method, rival)]
    trouble = _curve_trouble(curves, [claim.method, rival], dataset, metric, claim.cost, data.spec)
    if trouble:
        _problem(evidence, trouble)
        return
    seeds = sorted(set.intersection(*(_seeds(g, metric, claim.cost) for c in curves for g in c)))
    readings = [[(g.values(claim.cost), g.values(metric)) for g in curve] for curve in curves]
    inside = 0
    for budget in claim.budgets:
        sides = [[_read(reading, seed, budget) for seed in seeds] for reading in readings]
        ours, theirs = ([v for v in side if v is not None] for side in sides)
        if len(ours) < len(seeds) or len(theirs) < len(seeds):
            evidence.left_out.append(_outside(claim, dataset, rival, budget, data.spec))
            continue
        inside += 1
        evidence.pairs.append(Pair(dataset, rival, metric, tuple(ours), tuple(theirs), budget))
    if not inside:
        where = f"{_label(data.spec, rival)} on {dataset_entry(data.spec, dataset).label}"
        _problem(evidence, f"no declared budget lies within both curves for {where}")


def _curve_trouble(
    curves: Sequence[Sequence[Group]],
    methods: Sequence[str],
    dataset: str,
    metric: str,
    cost: str,
    spec: TableSpec,
) -> str:
    for curve, method in zip(curves, methods, strict=True):
        if len(curve) < 2:
            place = dataset_entry(spec, dataset).label
            return f"{_label(spec, method)} has no sweep on {place}, so no curve"
        planned = min(len(group.records) for group in curve)
        for group in curve:
            if len(_seeds(group, metric, cost) & set(range(planned))) < planned:
                return _unfinished(spec, [group], metric)
    if len(curves[0]) != len(curves[1]):
        sizes = " and ".join(str(len(curve)) for curve in curves)
        return f"the grids of {' and '.join(_label(spec, m) for m in methods)} differ ({sizes})"
    return ""


def _seeds(group: Group, metric: str, cost: str) -> set[int]:
    return group.values(metric).keys() & group.values(cost).keys()


#: A curve: for each setting, seed → cost and seed → value.
_Reading = Sequence[tuple[dict[int, float], dict[int, float]]]


def _read(curve: _Reading, seed: int, budget: float) -> float | None:
    return interpolate(((costs[seed], values[seed]) for costs, values in curve), budget)


def _outside(claim: Claim, dataset: str, rival: str, budget: float, spec: TableSpec) -> str:
    place = dataset_entry(spec, dataset).label
    cost = spec.metric(claim.cost).label
    return f"{cost} {budget:g} against {_label(spec, rival)} on {place} (not within both curves)"


def _problem(evidence: Evidence, text: str) -> None:
    if text not in evidence.problems:
        evidence.problems.append(text)


def _unmeasured(data: Aggregate, dataset: str, method: str, metric: str) -> str:
    place = dataset_entry(data.spec, dataset).label
    label = data.spec.metric(metric).label
    return f"{label} of {_label(data.spec, method)} on {place} is not in the table"


def _unfinished(spec: TableSpec, groups: Sequence[Group], metric: str) -> str:
    setting = groups[0].setting
    planned = sum(len(group.records) for group in groups)
    finished = sum(len(group.values(metric)) for group in groups)
    why = ", ".join(_counts(groups))
    place = f"{_label(spec, setting.method)} on {dataset_entry(spec, setting.dataset).label}"
    return f"{place} has {finished} of {planned} trials" + (f" ({why})" if why else "")


def _counts(groups: Sequence[Group]) -> Iterator[str]:
    for state in ("failed", "stale", "running", "lost", "missing"):
        count = sum(record.state == state for group in groups for record in group.records)
        if count:
            yield f"{count} {state}"


def _label(spec: TableSpec, method: str) -> str:
    return spec.methods[method].label


def _metric_label(claim: Claim, dataset: str, spec: TableSpec) -> str:
    return spec.metric(metric_on(claim, dataset)).label
