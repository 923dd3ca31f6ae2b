"""Tuning: which configurations each method tries, and which of them is chosen.

Every method gets the same number of configurations, on the same seeds and data, and none of them
sees a test fold. What is chosen follows from the stored tuning trials alone, so that anyone can
check it in the ledger.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from repro.spec import Tuning
from repro.spec.schema import ScaleSpec
from repro.trials.store import TrialRecord

#: Digits of a drawn value: enough to differ, few enough to be read and typed.
_DIGITS = 3

Params = dict[str, Any]


@dataclass(frozen=True)
class TuningRules:
    """A spec's tuning as it holds at one scale."""

    budget: int
    search: str
    seeds: tuple[int, ...]
    metric: str
    split: str
    better: str
    task: dict[str, Any]
    space: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Tried:
    """One configuration of a method on a data set.

    ``score``  mean of the metric over tuning's seeds; ``None`` unless all of them finished, and
               not finite where one diverged
    ``state``  ``done``, ``diverged``, ``failed``, ``not measured`` (no trial gave the metric) or
               ``waiting``
    ``seconds``  of the finished trials
    ``stale``  number of trials whose code, data or environment has changed since
    """

    params: Params
    score: float | None
    state: str
    seconds: float
    trials: tuple[str, ...]
    stale: int = 0


@dataclass(frozen=True)
class LedgerEntry:
    """What a method tried on a data set and what was chosen.

    ``chosen``   ``None`` while trials are outstanding, or where every configuration failed
    ``at_edge``  parameters whose chosen value is the least or greatest of its space: a better one
                 may lie outside
    ``note``     what a reader must know of the effort: nothing to tune, a smaller space
    """

    dataset: str
    method: str
    metric: str
    split: str
    seeds: tuple[int, ...]
    budget: int
    configurations: tuple[Tried, ...]
    chosen: Params | None
    at_edge: tuple[str, ...]
    note: str = ""

    @property
    def hours(self) -> float:
        """Wall time of the finished tuning trials of this method on this data set."""
        return sum(tried.seconds for tried in self.configurations) / 3600

    @property
    def stale(self) -> int:
        """Number of tuning trials that the choice rests on and whose sources have changed since."""
        return sum(tried.stale for tried in self.configurations)


def rules_at(tuning: Tuning, scale: ScaleSpec, better: str) -> TuningRules:
    """Return the tuning of a spec as ``scale`` changes it. ``better``: the metric's direction."""
    own = scale.tuning
    return TuningRules(
        budget=tuning.budget if own.budget is None else own.budget,
        search=tuning.search,
        seeds=tuple(tuning.seeds if own.seeds is None else own.seeds),
        metric=tuning.select.metric,
        split=tuning.select.split,
        better=better,
        task={**scale.task, **tuning.task, **own.task},
        space={
            method: {name: own.space.get(name, axis) for name, axis in axes.items()}
            for method, axes in tuning.space.items()
        },
    )


def configurations(rules: TuningRules, method: str) -> list[Params]:
    """Return what ``method`` tries, at most ``rules.budget`` configurations; none: nothing to tune.

    Random search takes one value from each of ``budget`` equal parts of a parameter's range (Latin
    hypercube; McKay, Beckman and Conover, 1979). The draws depend on the parameter's name alone, so
    that methods which share a parameter try the same values of it.
    """
    space = rules.space.get(method, {})
    if not space:
        return []
    if rules.search == "grid":
        return [
            dict(zip(space, choice, strict=True)) for choice in itertools.product(*space.values())
        ]
    columns = [_draws(name, axis, rules.budget) for name, axis in space.items()]
    found: list[Params] = []
    for row in zip(*columns, strict=True):
        params = dict(zip(space, row, strict=True))
        if params not in found:
            found.append(params)
    return found


def ledger_entry(
    rules: TuningRules, dataset: str, method: str, tried: Sequence[Tried]
) -> LedgerEntry:
    """Return what ``method`` tried on ``dataset`` and what follows from it."""
    chosen = _chosen(tried, rules.better) if tried else {}
    space = rules.space.get(method, {})
    return LedgerEntry(
        dataset=dataset,
        method=method,
        metric=rules.metric,
        split=rules.split,
        seeds=rules.seeds,
        budget=rules.budget,
        configurations=tuple(tried),
        chosen=chosen,
        at_edge=_at_edge(chosen, tried, space),
        note=_note(tried, rules.budget),
    )


def tried_from(params: Params, records: Sequence[TrialRecord], metric: str) -> Tried:
    """Return what the trials of one configuration, one per seed, say of it.

    A stale result still speaks: to run it again is `reproduce`'s business, not the choice's.
    """
    finished = [record for record in records if record.state in ("done", "stale")]
    stale = sum(record.state == "stale" for record in records)
    seconds = sum(float(record.cost.get("wall_seconds") or 0.0) for record in finished)
    names = tuple(record.trial.trial_id for record in records)
    if any(record.state == "failed" for record in records):
        return Tried(params, None, "failed", seconds, names, stale)
    if len(finished) < len(records):
        return Tried(params, None, "waiting", seconds, names, stale)
    if any(metric not in record.metrics for record in finished):
        return Tried(params, None, "not measured", seconds, names, stale)
    score = sum(record.metrics[metric] for record in finished) / len(finished)
    state = "done" if math.isfinite(score) else "diverged"
    return Tried(params, score, state, seconds, names, stale)


def _draws(name: str, axis: Any, budget: int) -> list[Any]:
    """Return ``budget`` values of a parameter, in an order that its name fixes."""
    seed = int.from_bytes(hashlib.sha256(f"tuning/{name}".encode()).digest()[:8], "big")
    source = random.Random(seed)
    places = [(part + source.random()) / budget for part in range(budget)]
    places = [place for _, place in sorted((source.random(), place) for place in places)]
    return [_value(axis, place) for place in places]


def _value(axis: Any, place: float) -> Any:
    """Return the value of ``axis`` at ``place`` between 0 and 1."""
    if isinstance(axis, list):
        return axis[min(int(place * len(axis)), len(axis) - 1)]
    low, high = axis["low"], axis["high"]
    if axis.get("log"):
        value = math.exp(math.log(low) + place * (math.log(high) - math.log(low)))
    else:
        value = low + place * (high - low)
    if isinstance(low, int) and isinstance(high, int):
        return round(value)
    return float(f"{value:.{_DIGITS}g}")


def _chosen(tried: Sequence[Tried], better: str) -> Params | None:
    """Return the best finished configuration, the first among equals; ``None`` while any waits.

    A diverged one is worse than every other; one that failed or did not measure the metric does not
    compete.
    """
    if any(one.state == "waiting" for one in tried):
        return None
    competing = [one for one in tried if one.state in ("done", "diverged")]
    if not competing:
        return None
    return dict(min(competing, key=lambda one: _loss(one, better)).params)


def _loss(tried: Tried, better: str) -> float:
    if tried.state == "diverged" or tried.score is None:
        return math.inf
    return tried.score if better == "lower" else -tried.score


def _at_edge(
    chosen: Params | None, tried: Sequence[Tried], space: dict[str, Any]
) -> tuple[str, ...]:
    """Return the parameters whose chosen value has no finished neighbour on one side."""
    if not chosen:
        return ()
    finished = [one.params for one in tried if one.state == "done"]
    return tuple(
        name for name in space if _is_end(chosen[name], (params[name] for params in finished))
    )


def _is_end(value: Any, values: Iterable[Any]) -> bool:
    """Say whether a number is the least or the greatest of at least two that finished."""
    ordered = sorted({v for v in values if isinstance(v, int | float) and not isinstance(v, bool)})
    return len(ordered) > 1 and value in (ordered[0], ordered[-1])


def _note(tried: Sequence[Tried], budget: int) -> str:
    if not tried:
        return "nothing to tune"
    parts = []
    if len(tried) < budget:
        parts.append(f"its space has {len(tried)} configurations, fewer than the budget")
    if all(one.state == "diverged" for one in tried):
        parts.append("every configuration diverged: the first stands in the table")
    stale = sum(one.stale for one in tried)
    if stale:
        parts.append(f"{stale} of its tuning trials are stale: their sources have changed since")
    return "; ".join(parts)
