"""What printed numbers and overall statistics of a spec must be, for verdicts to rest on them."""

from __future__ import annotations

import math
import re
from typing import Any

from omegaconf import DictConfig, OmegaConf

from repro.spec.amounts import parse_amount
from repro.spec.checker import Checker
from repro.spec.claims import not_commensurable
from repro.spec.printed import parse_printed, standard_deviation
from repro.spec.schema import Overall, Reported, TableSpec

_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")

#: Statistics that put values of several data sets on one scale.
_AVERAGES = ("mean", "median", "interquartile_mean", "profile")

#: Statistics that need to know which direction is better.
_DIRECTED = ("mean_rank", "probability_of_improvement", "profile")

#: The p at which methods' ranks differ.
_ALPHA = 0.05


def check_quoted(check: Checker, loaded: Any) -> None:
    """Raise ``UserError`` for a printed number without quotes: ``59.10`` would be read as 59.1.

    ``loaded`` is the spec as OmegaConf reads it, before it has types.
    """
    for index, entry in enumerate(OmegaConf.select(loaded, "reported") or []):
        for name in ("value", "spread"):
            if isinstance(entry, DictConfig) and isinstance(entry.get(name), int | float):
                check.fail(
                    f"reported[{index}].{name}",
                    f'write it in quotes, {name}: "…", or its last zeros are lost',
                )


def check_reported(check: Checker, spec: TableSpec) -> None:
    """Raise ``UserError`` for the first printed number that is wrong or says too little."""
    seen: dict[tuple[str, str, str], int] = {}
    for index, number in enumerate(spec.reported):
        key = f"reported[{index}]"
        check.known(f"{key}.dataset", [number.dataset], spec.datasets, "data set")
        check.known(f"{key}.method", [number.method], spec.methods, "method")
        check.known(f"{key}.metric", [number.metric], spec.metric_names(), "metric")
        place = (number.dataset, number.method, number.metric)
        if place in seen:
            check.fail(key, f"reported[{seen[place]}] is a number for the same cell")
        seen[place] = index
        _check_printed(check, key, number)
        _check_runs(check, key, number, spec)
        for name in ("margin", "width"):
            _check_amount(check, f"{key}.{name}", getattr(number, name), number)
        _check_reason(check, f"{key}.not_comparable", number)


def check_overall(check: Checker, spec: TableSpec) -> None:
    """Raise ``UserError`` for the first overall statistic that cannot be made."""
    seen: set[str] = set()
    for entry in spec.overall:
        key = f"overall.{entry.id}"
        if entry.id in seen:
            check.fail(key, "this id is used twice")
        seen.add(entry.id)
        check.known(f"{key}.metric", [entry.metric], spec.metric_names(), "metric")
        check.known(f"{key}.datasets", entry.datasets or [], spec.datasets, "data set")
        if entry.relative_to:
            check.known(f"{key}.relative_to", [entry.relative_to], spec.methods, "method")
        _check_statistic(check, key, entry, spec)


def amount_of(text: str, number: Reported) -> float:
    """Return a margin or width of a printed number in the metric's unit.

    Raises ``ValueError`` where the formula needs a spread that the paper does not print.
    """
    amount = parse_amount(text)
    printed = parse_printed(number.value)
    sd = standard_deviation(number.spread, number.spread_kind, number.n)
    return amount.of(value=printed.value, sd=sd, digit=printed.digit)


def _check_printed(check: Checker, key: str, number: Reported) -> None:
    _check_number(check, f"{key}.value", number.value)
    if number.spread:
        _check_number(check, f"{key}.spread", number.spread)
        if number.spread.startswith("-"):
            check.fail(f"{key}.spread", f"{number.spread!r} is negative")
    if number.spread_kind and not number.spread:
        check.fail(f"{key}.spread_kind", "there is no spread that this could be the kind of")
    if not re.search(r"\w{3,}", number.source) or "memory" in number.source.lower():
        check.fail(f"{key}.source", "must name a table, figure or file that someone can open")


def _check_number(check: Checker, key: str, text: str) -> None:
    if not _NUMBER.fullmatch(text) or not math.isfinite(float(text)):
        check.fail(key, f"{text!r} is not a number as printed")


def _check_runs(check: Checker, key: str, number: Reported, spec: TableSpec) -> None:
    if number.n < 0:
        check.fail(f"{key}.n", f"must be the paper's number of runs, or 0 if unknown: {number.n}")
    if number.statistic == "single run":
        if number.n > 1:
            check.fail(f"{key}.n", f"a single run is not {number.n} runs")
        if number.spread_kind:
            check.fail(f"{key}.spread_kind", "a single run has no spread over runs; leave it out")
    if number.statistic == "best":
        if number.n < 2:
            check.fail(f"{key}.n", "a best needs the number of runs that it is the best of")
        if spec.metric(number.metric).better == "neither":
            check.fail(f"{key}.statistic", f"{number.metric!r} has no best: it has better: neither")


def _check_reason(check: Checker, key: str, number: Reported) -> None:
    reason = number.not_comparable
    if reason.endswith("."):
        check.fail(key, "ends a sentence that begins elsewhere: leave out the full stop")
    if reason and (number.margin or number.width):
        check.fail(key, "a number that is not judged has no margin and no width")


def _check_amount(check: Checker, key: str, text: str, number: Reported) -> None:
    if not text:
        return
    try:
        amount_of(text, number)
    except ValueError as problem:
        check.fail(key, str(problem))
    except OverflowError:
        check.fail(key, f"{text!r} is too large")


def _check_statistic(check: Checker, key: str, entry: Overall, spec: TableSpec) -> None:
    if entry.statistic == "probability_of_improvement" and not entry.relative_to:
        check.fail(f"{key}.relative_to", "a probability of improvement needs a rival")
    if entry.statistic in _DIRECTED and spec.metric(entry.metric).better == "neither":
        check.fail(f"{key}.metric", f"{entry.metric!r} has better: neither, so no run is better")
    if entry.datasets == []:
        check.fail(f"{key}.datasets", "names no data set")
    if entry.statistic == "mean_rank":
        _check_ranks(check, key, entry, spec)
    count = len(spec.datasets if entry.datasets is None else entry.datasets)
    raw = not entry.relative_to and not spec.metric(entry.metric).commensurable
    if entry.statistic in _AVERAGES and count > 1 and raw:
        check.fail(f"{key}.metric", not_commensurable(entry.metric, "`relative_to: <method>`"))


def _check_ranks(check: Checker, key: str, entry: Overall, spec: TableSpec) -> None:
    """Refuse a ranking that could not be significant at any scale."""
    from repro.statistics import least_friedman_p

    if entry.relative_to:
        check.fail(f"{key}.relative_to", "ranks are among all methods: leave it out")
    compared = {name for name, one in spec.datasets.items() if one.compares(entry.metric)}
    wanted = compared & set(entry.datasets or compared)
    sizes = [
        (len(scale.methods or spec.methods), len(wanted & set(scale.datasets)))
        for scale in spec.scales.values()
    ]
    if min(least_friedman_p(*size) for size in sizes) > _ALPHA:
        methods, blocks = max(sizes, key=lambda size: size[1])
        problem = f"a ranking of {methods} methods over {blocks} data sets cannot be significant"
        check.fail(f"{key}.statistic", f"{problem}: Friedman's test needs more of either")
