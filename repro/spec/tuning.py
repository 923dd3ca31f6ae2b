"""What a spec's tuning must be: fair to every method, apart from the table's seeds, bounded."""

from __future__ import annotations

import math
from typing import Any

from repro.spec.checker import Checker
from repro.spec.schema import ScaleSpec, TableSpec, Tuning, TuningScale

_RANGE_KEYS = ("low", "high", "log")


def check_tuning(check: Checker, spec: TableSpec) -> None:
    """Raise ``UserError`` for the first thing in ``spec.tuning`` that is wrong."""
    tuning = spec.tuning
    if tuning is None:
        for name, scale in spec.scales.items():
            if scale.tuning != TuningScale():
                check.fail(f"scales.{name}.tuning", "the spec has no tuning to change")
        return
    _check_select(check, tuning, spec)
    _check_budgets(check, tuning, spec)
    _check_seeds(check, tuning, spec)
    _check_methods(check, tuning, spec)
    for method, space in tuning.space.items():
        for name, axis in space.items():
            _check_axis(check, f"tuning.space.{method}.{name}", axis, tuning.search)
            _check_owner(check, method, name, spec)
    known = {name for space in tuning.space.values() for name in space}
    for name, scale in spec.scales.items():
        key = f"scales.{name}.tuning.space"
        check.known(key, scale.tuning.space, known, "tuned parameter")
        for parameter, axis in scale.tuning.space.items():
            _check_axis(check, f"{key}.{parameter}", axis, tuning.search)
        if tuning.search == "grid":
            _check_grids(check, tuning, name, scale)


def axis_values(axis: Any) -> list[Any]:
    """Return the listed values of a parameter's axis, or the two ends of its range."""
    return list(axis) if isinstance(axis, list) else [axis["low"], axis["high"]]


def _check_select(check: Checker, tuning: Tuning, spec: TableSpec) -> None:
    metric = tuning.select.metric
    check.known("tuning.select.metric", [metric], spec.metric_names(), "metric")
    if spec.metric(metric).better == "neither":
        check.fail("tuning.select.metric", f"{metric!r} has better: neither, so nothing is best")
    judged = _judged(spec)
    if metric in judged or metric.partition("@")[0] in judged:
        problem = f"the table or a claim is judged by {metric!r}: choose by another, on validation"
        check.fail("tuning.select.metric", f"{problem} data")
    if tuning.select.split != "validation":
        problem = f"must be validation, is {tuning.select.split!r}: nothing is chosen on test data"
        check.fail("tuning.select.split", problem)


def _judged(spec: TableSpec) -> set[str]:
    """Return the metrics that the table shows or a verdict is made by."""
    names = {name for name, metric in spec.metrics.items() if metric.table}
    for claim in spec.claims:
        names |= {claim.metric, claim.cost, *claim.metric_for.values()}
    names |= {number.metric for number in spec.reported} | {row.metric for row in spec.overall}
    return {name.partition("@")[0] for name in names}


def _check_budgets(check: Checker, tuning: Tuning, spec: TableSpec) -> None:
    budgets = {"tuning.budget": tuning.budget}
    for name, scale in spec.scales.items():
        if scale.tuning.budget is not None:
            budgets[f"scales.{name}.tuning.budget"] = scale.tuning.budget
    for key, budget in budgets.items():
        if budget < 1:
            check.fail(key, f"must be at least 1, is {budget}")
    if tuning.search == "grid" and len(budgets) > 1:
        check.fail(list(budgets)[1], "a grid is tried whole: only random search has other budgets")


def _check_seeds(check: Checker, tuning: Tuning, spec: TableSpec) -> None:
    """A second stage adds seeds after the table's: tuning's must lie beyond those too."""
    last = max(scale.seeds + scale.settle for scale in spec.scales.values())
    named = {"tuning.seeds": tuning.seeds}
    for name, scale in spec.scales.items():
        if scale.tuning.seeds is not None:
            named[f"scales.{name}.tuning.seeds"] = scale.tuning.seeds
    for key, seeds in named.items():
        if not seeds or len(set(seeds)) < len(seeds):
            check.fail(key, "must list at least one seed, each once")
        if min(seeds) < last:
            check.fail(key, f"{min(seeds)} may become a seed of the table: give seeds from {last}")


def _check_methods(check: Checker, tuning: Tuning, spec: TableSpec) -> None:
    check.known("tuning.space", tuning.space, spec.methods, "method")
    for method in spec.methods:
        if method not in tuning.space:
            problem = f"lacks {method!r}: every method is tuned alike; {{}} says it has nothing to"
            check.fail("tuning.space", f"{problem} tune")


def _check_axis(check: Checker, key: str, axis: Any, search: str) -> None:
    if isinstance(axis, list):
        if not axis:
            check.fail(key, "lists no value")
        return
    if search == "grid":
        check.fail(key, "a grid needs a list of values")
    if not isinstance(axis, dict):
        check.fail(key, "must be a list of values or {low: …, high: …, log: true}")
    check.known(key, axis, _RANGE_KEYS, "key")
    low: Any = axis.get("low")
    high: Any = axis.get("high")
    if not _is_number(low) or not _is_number(high) or not low < high:
        check.fail(key, f"needs low < high, has {low!r} and {high!r}")
    if axis.get("log") and low <= 0:
        check.fail(key, f"a logarithmic range starts above 0, not at {low!r}")


def _check_owner(check: Checker, method: str, name: str, spec: TableSpec) -> None:
    """A tuned parameter has no other source for the table's value."""
    given = spec.methods[method].params.get(name)
    if given is None:
        return
    if not isinstance(given, dict) or "table" in given:
        place = f"methods.{method}.params.{name}"
        check.fail(place, "tuning chooses this parameter, so the spec must not give its value")


def _check_grids(check: Checker, tuning: Tuning, name: str, scale: ScaleSpec) -> None:
    for method, space in tuning.space.items():
        axes = [scale.tuning.space.get(parameter, axis) for parameter, axis in space.items()]
        size = math.prod(map(len, axes)) if axes else 0
        if size > tuning.budget:
            where = f"its grid at scale {name} has {size} configurations"
            check.fail(f"tuning.space.{method}", f"{where}, more than the budget {tuning.budget}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
