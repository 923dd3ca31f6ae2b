"""Where the numbers come from and what they cost: environment, commits, data, time, memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repro.planning.plan import Plan
from repro.planning.seal import read_seal
from repro.trials.store import TrialRecord

#: Trials beside the table's, by what they are called.
Stages = Sequence[tuple[str, Sequence[TrialRecord]]]


@dataclass(frozen=True)
class Cost:
    """What one method's trials took, sweeps included; ``method`` is empty for another stage.

    ``seconds`` is the mean wall time of a trial, ``total`` the sum over all; memory is the largest
    peak; ``parameters`` is the range over the trials. ``shared``: trials ran together, and each has
    its share of the time.
    """

    method: str
    label: str
    trials: int
    seconds: float
    total: float
    memory: float | None
    cuda_memory: float | None
    parameters: str
    shared: bool = False


@dataclass(frozen=True)
class Provenance:
    """What the finished trials say of themselves: each value with the trials that have it.

    ``states``  how many trials there are in each state: of the table, of tuning, of a second stage
    ``seal``  when the spec was fixed, and what of it has changed since: one sentence each
    """

    environment: tuple[tuple[str, str], ...]
    commits: tuple[tuple[str, int], ...]
    hosts: tuple[tuple[str, int], ...]
    data: tuple[tuple[str, str], ...]
    states: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    first: str
    last: str
    moved: tuple[str, ...]
    seal: tuple[str, ...]


def costs(plan: Plan, records: Sequence[TrialRecord], others: Stages = ()) -> list[Cost]:
    """Return the cost of each planned method that has finished trials, then of other stages."""
    by_method: dict[str, list[TrialRecord]] = {method: [] for method in plan.methods}
    for record in records:
        if record.cost:
            by_method[record.trial.setting.method].append(record)
    labels = {method: plan.spec.methods[method].label for method in by_method}
    found = [_cost(method, labels[method], of) for method, of in by_method.items() if of]
    finished = [(label, [record for record in of if record.cost]) for label, of in others]
    return found + [_cost("", label, of) for label, of in finished if of]


def provenance(plan: Plan, records: Sequence[TrialRecord], others: Stages = ()) -> Provenance:
    """Return where the finished trials ran, on what code and on which data."""
    everything = [*records, *(record for _, found in others for record in found)]
    results = [record.result for record in everything if record.result]
    environments = [result.get("fingerprint", {}).get("environment", {}) for result in results]
    finished = sorted(str(result["finished"]) for result in results if result.get("finished"))
    return Provenance(
        environment=_unique(pair for entry in environments for pair in entry.items()),
        commits=_counted(result.get("commit") or "unknown" for result in results),
        hosts=_counted(result.get("host") or "unknown" for result in results),
        data=_unique(pair for result in results for pair in result.get("data", {}).items()),
        states=tuple(
            (label, _counted(record.state for record in found))
            for label, found in (("Trials", records), *others)
            if found
        ),
        first=finished[0] if finished else "",
        last=finished[-1] if finished else "",
        moved=tuple(sorted({name for record in everything for name in record.moved})),
        seal=read_seal(plan).sentences,
    )


def _cost(method: str, label: str, records: Sequence[TrialRecord]) -> Cost:
    seconds = [float(record.cost.get("wall_seconds") or 0.0) for record in records]
    parameters = sorted({int(r.cost["parameters"]) for r in records if r.cost.get("parameters")})
    ends = dict.fromkeys(f"{value:,}" for value in parameters[:1] + parameters[-1:])
    return Cost(
        method=method,
        label=label,
        trials=len(records),
        seconds=sum(seconds) / len(seconds),
        total=sum(seconds),
        memory=_largest(record.cost.get("peak_memory_bytes") for record in records),
        cuda_memory=_largest(record.cost.get("cuda_peak_memory_bytes") for record in records),
        parameters=" – ".join(ends) or "—",
        shared=any(record.cost.get("shared_by") for record in records),
    )


def _largest(values: Iterable[float | None]) -> float | None:
    return max((float(value) for value in values if value), default=None)


def _unique(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({(str(name), str(value)) for name, value in pairs}))


def _counted(values: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(map(str, values)).items()))
