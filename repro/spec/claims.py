"""What a claim must say, and what it cannot say, by its kind."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from typing import Any

from repro.spec.amounts import Amount, parse_amount
from repro.spec.checker import Checker
from repro.spec.claim_entry import Claim
from repro.spec.decidable import check_decidable
from repro.spec.schema import TableSpec

#: More budgets than this would all be neighbours: each makes support harder, none adds a question.
_MOST_BUDGETS = 20

#: What ``along`` says for an axis of a metric's levels.
_LEVEL = "level"

#: Fields that every claim may have.
_COMMON = [
    "id",
    "text",
    "source",
    "kind",
    "method",
    "metric",
    "over",
    "metric_for",
    "tested_as",
    "ours",
]

#: Per kind: the fields that it must have, and those that it may have beside them.
_FIELDS: dict[str, tuple[list[str], list[str]]] = {
    "better": ([], ["than", "on", "margin", "compare", "test"]),
    "ratio": ([], ["than", "on", "at_least", "at_most"]),
    "gap_closed": (["reference", "at_least"], ["than", "on"]),
    "monotone": (["along", "direction"], ["than", "on", "steps", "test"]),
    "crossing": (["along"], ["than", "on", "between", "test"]),
    "fit": (["along", "form", "parameter"], ["on", "at_least", "at_most"]),
    "alike": (["along", "form", "parameter", "margin"], []),
    "frontier": (["cost", "budgets"], ["than", "on", "test"]),
    "equivalent": (["margin"], ["than", "on"]),
}

#: Kinds that have no better and worse: the metric may have ``better: neither``.
_WITHOUT_DIRECTION = ("ratio", "fit", "alike", "equivalent")


def check_claims(check: Checker, spec: TableSpec) -> None:
    """Raise ``UserError`` for the first thing in ``spec.claims`` that is wrong."""
    seen: set[str] = set()
    for claim in spec.claims:
        key = f"claims.{claim.id}"
        if claim.id in seen:
            check.fail(key, "this id is used twice")
        seen.add(claim.id)
        _check_fields(check, key, claim)
        _check_names(check, key, claim, spec)
        _check_metrics(check, key, claim, spec)
        _check_on(check, key, claim, spec)
        _check_margin(check, key, claim)
        _check_bounds(check, key, claim)
        _check_test(check, key, claim)
        if claim.along:
            _check_axis(check, key, claim, spec)
        if claim.kind in ("fit", "alike"):
            _check_fit(check, key, claim, spec)
        if claim.kind == "frontier":
            _check_frontier(check, key, claim, spec)
        check_decidable(check, key, claim, spec)


def _check_fields(check: Checker, key: str, claim: Claim) -> None:
    needed, optional = _FIELDS[claim.kind]
    for name in needed:
        if not _is_set(claim, name):
            check.fail(f"{key}.{name}", f"a claim of kind {claim.kind} needs it")
    meaningful = {*_COMMON, *needed, *optional}
    for field in dataclasses.fields(claim):
        if field.name not in meaningful and _is_set(claim, field.name):
            check.fail(key, f"`{field.name}` has no meaning for kind {claim.kind}")
    if claim.kind in ("ratio", "fit") and claim.at_least is None and claim.at_most is None:
        check.fail(key, f"a claim of kind {claim.kind} needs at_least or at_most")


def _is_set(claim: Claim, name: str) -> bool:
    field = next(field for field in dataclasses.fields(claim) if field.name == name)
    made = field.default_factory
    default = made() if made is not dataclasses.MISSING else field.default
    return bool(getattr(claim, name) != default)


def _check_names(check: Checker, key: str, claim: Claim, spec: TableSpec) -> None:
    check.known(f"{key}.method", [claim.method], spec.methods, "method")
    if claim.than not in ("", "all_baselines"):
        check.known(f"{key}.than", _names(check, f"{key}.than", claim.than), spec.methods, "method")
        if claim.method in _names(check, f"{key}.than", claim.than):
            check.fail(f"{key}.than", f"{claim.method!r} is the claim's own method")
    if claim.over != "datasets":
        over = _names(check, f"{key}.over", claim.over)
        check.known(f"{key}.over", over, spec.datasets, "data set")
    check.known(f"{key}.metric_for", claim.metric_for, spec.datasets, "data set")
    if claim.reference:
        check.known(f"{key}.reference", [claim.reference], spec.methods, "method")
        rivals = [] if claim.than == "all_baselines" else _names(check, key, claim.than or [])
        if claim.reference in (claim.method, *rivals):
            check.fail(f"{key}.reference", f"{claim.reference!r} is on another side of the gap")


def _check_metrics(check: Checker, key: str, claim: Claim, spec: TableSpec) -> None:
    names = [claim.metric, *claim.metric_for.values()]
    if claim.along == _LEVEL:
        check.known(f"{key}.metric", names, spec.metrics, "metric")
    else:
        check.known(f"{key}.metric", names, spec.metric_names(), "metric")
    if claim.kind in _WITHOUT_DIRECTION or (claim.kind == "monotone" and not claim.than):
        return
    for name in names:
        if spec.metric(name).better == "neither":
            check.fail(f"{key}.metric", f"{name!r} has better: neither, so it cannot be a claim's")


def _check_on(check: Checker, key: str, claim: Claim, spec: TableSpec) -> None:
    place = f"{key}.on"
    if claim.on == "each":
        return
    if claim.on == "mean":
        _check_mean(check, key, claim, spec)
        return
    if not isinstance(claim.on, dict) or set(claim.on) != {"at_least"}:
        check.fail(place, f"must be each, mean or {{at_least: k}}, is {claim.on!r}")
    k, total = claim.on["at_least"], _count(claim, spec)
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= total:
        check.fail(f"{place}.at_least", f"must lie between 1 and {total} data sets, is {k!r}")


def _check_mean(check: Checker, key: str, claim: Claim, spec: TableSpec) -> None:
    if claim.kind != "better":
        check.fail(f"{key}.on", f"a mean over data sets has no meaning for kind {claim.kind}")
    metrics = [spec.metric(name) for name in (claim.metric, *claim.metric_for.values())]
    units = {(metric.unit, metric.better) for metric in metrics}
    if len(units) > 1 and claim.compare != "log_ratio":
        problem = "metrics of different units have no mean; `compare: log_ratio` makes one"
        check.fail(f"{key}.on", problem)
    raw = [
        name
        for name in (claim.metric, *claim.metric_for.values())
        if not spec.metric(name).commensurable
    ]
    if raw and _count(claim, spec) > 1 and claim.compare != "log_ratio":
        check.fail(f"{key}.on", not_commensurable(raw[0], "`compare: log_ratio`"))


def not_commensurable(metric: str, remedy: str) -> str:
    """Say that a metric's plain values have no mean over data sets, and what makes one."""
    return (
        f"{metric!r} has no mean over data sets unless its values mean the same on each: {remedy} "
        f"makes one, or `commensurable: true` on the metric says that they do"
    )


def _count(claim: Claim, spec: TableSpec) -> int:
    if claim.over == "datasets":
        return len(spec.datasets)
    return 1 if isinstance(claim.over, str) else len(claim.over)


def _check_margin(check: Checker, key: str, claim: Claim) -> None:
    if not claim.margin:
        return
    if claim.kind == "alike" and claim.margin.strip().endswith("%"):
        check.fail(f"{key}.margin", "a difference of parameters is a number, no share")
    amount = _amount(check, f"{key}.margin", claim.margin)
    if claim.compare == "log_ratio" and amount.unit == "":
        check.fail(f"{key}.margin", "with `compare: log_ratio` it is a share such as 5%")
    if amount.unit == "%" and amount.number >= 100:
        check.fail(f"{key}.margin", f"a share lies below 100%, is {claim.margin}")


def _amount(check: Checker, key: str, text: str) -> Amount:
    try:
        return parse_amount(text, units=("", "%"))
    except ValueError as error:
        check.fail(key, str(error))


def _check_bounds(check: Checker, key: str, claim: Claim) -> None:
    for name in ("at_least", "at_most"):
        value = getattr(claim, name)
        if value is not None and not math.isfinite(value):
            check.fail(f"{key}.{name}", f"must be a finite number, is {value}")
    low, high = claim.at_least, claim.at_most
    if low is not None and high is not None and not low < high:
        check.fail(f"{key}.at_most", f"must be more than at_least ({low:g}), is {high:g}")
    if claim.kind == "gap_closed" and low is not None and low <= 0:
        check.fail(f"{key}.at_least", f"a share of a gap lies above 0, is {low:g}")


def _check_test(check: Checker, key: str, claim: Claim) -> None:
    if claim.test == "welch" and (claim.kind != "better" or claim.on == "mean"):
        problem = "welch compares two groups of runs: only kind better, on each or at_least"
        check.fail(f"{key}.test", problem)


def _check_axis(check: Checker, key: str, claim: Claim, spec: TableSpec) -> None:
    if claim.along == _LEVEL:
        for name in {claim.metric, *claim.metric_for.values()}:
            _check_values(check, key, claim, spec.metrics[name].levels, f"metric {name!r}")
        return
    axes = _axes(spec, claim.method)
    check.known(f"{key}.along", [claim.along], [*axes, _LEVEL], "swept parameter")
    _check_values(check, key, claim, axes[claim.along]["sweep"], f"method {claim.method!r}")
    for name, axis in axes.items():
        if name != claim.along and "table" not in axis:
            place = f"methods.{claim.method}.params.{name}"
            check.fail(place, f"needs `table:`, because claims.{claim.id} holds it there")


def _axes(spec: TableSpec, method: str) -> dict[str, Any]:
    return {k: v for k, v in spec.methods[method].params.items() if isinstance(v, dict)}


def _check_values(
    check: Checker, key: str, claim: Claim, values: Iterable[object], owner: str
) -> None:
    """Check that an axis is one of numbers, and that ``between`` names two of them."""
    numbers = []
    for value in values:
        number = _number(value)
        if number is None:
            check.fail(f"{key}.along", f"{value!r} of {owner} is no number")
        numbers.append(number)
    if len(set(numbers)) < 2:
        check.fail(f"{key}.along", f"{owner} has fewer than two values of {claim.along}")
    if claim.between and len(set(claim.between)) != 2:
        check.fail(f"{key}.between", "must name two values of the axis")
    for end in claim.between:
        if end not in numbers:
            listed = ", ".join(f"{number:g}" for number in sorted(numbers))
            check.fail(f"{key}.between", f"{end:g} is not on the axis of {owner}: {listed}")


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _check_fit(check: Checker, key: str, claim: Claim, spec: TableSpec) -> None:
    from repro.curves import FORMS

    check.known(f"{key}.form", [claim.form], FORMS, "form")
    form = FORMS[claim.form]
    check.known(f"{key}.parameter", [claim.parameter], form.parameters, "parameter")
    values = (
        spec.metric(claim.metric).levels
        if claim.along == _LEVEL
        else _axes(spec, claim.method)[claim.along]["sweep"]
    )
    numbers = {float(value) for value in values}
    if len(numbers) < len(form.parameters):
        need = f"{len(form.parameters)} parameters, so as many values of {claim.along}"
        check.fail(f"{key}.form", f"{claim.form} has {need} are needed, not {len(numbers)}")
    if form.logarithmic and min(numbers) <= 0:
        check.fail(f"{key}.form", f"{claim.form} takes logarithms, and {claim.along} is 0 or less")


def _check_frontier(check: Checker, key: str, claim: Claim, spec: TableSpec) -> None:
    check.known(f"{key}.cost", [claim.cost], spec.metric_names(), "metric")
    place = f"{key}.budgets"
    if isinstance(claim.budgets, dict):
        counts = range(1, _MOST_BUDGETS + 1)
        if set(claim.budgets) != {"in_overlap"} or claim.budgets["in_overlap"] not in counts:
            limits = f"k a whole number from 1 to {_MOST_BUDGETS}"
            check.fail(place, f"must be {{in_overlap: k}}, {limits}, is {claim.budgets}")
        return
    if not isinstance(claim.budgets, list):
        check.fail(place, f"must be a list of costs or {{in_overlap: k}}, is {claim.budgets!r}")
    for budget in claim.budgets:
        if _number(budget) is None or isinstance(budget, str):
            check.fail(place, f"must be finite numbers, has {budget}")
    if len(set(claim.budgets)) < len(claim.budgets):
        check.fail(place, f"names a budget twice: {claim.budgets}")


def _names(check: Checker, key: str, value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        check.fail(key, f"must be a name or a list of names, is {value!r}")
    return names
