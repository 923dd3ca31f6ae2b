"""What a spec's types cannot say: that its parts name each other rightly."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from repro.errors import UserError, did_you_mean
from repro.spec.schema import SCALES, Claim, DatasetSpec, MethodSpec, ScaleSpec, TableSpec


class _Checker:
    """Raises a ``UserError`` with the file and the key path for the first thing that is wrong."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def fail(self, key: str, problem: str) -> None:
        raise UserError(f"{self._path}: {key}: {problem}")

    def known(self, key: str, names: Iterable[str], valid: Iterable[str], what: str) -> None:
        valid = list(valid)
        for name in names:
            if name not in valid:
                self.fail(key, f"unknown {what} {name!r}{did_you_mean(name, valid)}")


def check_consistency(spec: TableSpec, path: Path) -> None:
    """Raise ``UserError`` for the first name in ``spec`` that refers to nothing."""
    check = _Checker(path)
    check.known("scales", spec.scales, SCALES, "scale")
    for name, scale in spec.scales.items():
        _check_scale(check, f"scales.{name}", scale, spec)
    for key, method in spec.methods.items():
        _check_sweep(check, f"methods.{key}", method)
    for key, dataset in spec.datasets.items():
        _check_dataset(check, f"datasets.{key}", dataset, spec)
    _check_dataset(check, "user_data", spec.user_data, spec)
    if not spec.methods_with_role("method"):
        check.fail("methods", "no entry has role: method")
    if not any(metric.table for metric in spec.metrics.values()):
        check.fail("metrics", "no entry has table: true, so the table would be empty")
    _check_claims(check, spec)
    _check_reported(check, spec)


def _check_scale(check: _Checker, key: str, scale: ScaleSpec, spec: TableSpec) -> None:
    check.known(f"{key}.datasets", scale.datasets, spec.datasets, "data set")
    check.known(f"{key}.sweep.datasets", scale.sweep.datasets, scale.datasets, "data set")
    check.known(f"{key}.methods", scale.methods or [], spec.methods, "method")
    if scale.seeds < 1:
        check.fail(f"{key}.seeds", f"must be at least 1, is {scale.seeds}")
    if not 0 <= scale.sweep.seeds <= scale.seeds:
        check.fail(f"{key}.sweep.seeds", f"must lie between 0 and {scale.seeds}")


def _check_dataset(check: _Checker, key: str, dataset: DatasetSpec, spec: TableSpec) -> None:
    check.known(f"{key}.not_compared", dataset.not_compared, spec.metrics, "metric")
    if dataset.resplit < 0:
        check.fail(f"{key}.resplit", f"must be n_held_out / n_train or 0, is {dataset.resplit}")


def _check_sweep(check: _Checker, key: str, method: MethodSpec) -> None:
    for name, value in method.params.items():
        if not isinstance(value, dict):
            continue
        place = f"{key}.params.{name}"
        check.known(place, value, ("sweep", "table"), "key")
        values = value.get("sweep")
        if not isinstance(values, list) or len(values) < 2:
            check.fail(place, "sweep: must list at least two values")
        elif "table" in value and value["table"] not in values:
            check.fail(place, f"table: {value['table']!r} is not among the swept values {values}")


def _check_claims(check: _Checker, spec: TableSpec) -> None:
    seen: set[str] = set()
    for claim in spec.claims:
        key = f"claims.{claim.id}"
        if claim.id in seen:
            check.fail(key, "this id is used twice")
        seen.add(claim.id)
        _check_claim(check, key, claim, spec)


def _check_claim(check: _Checker, key: str, claim: Claim, spec: TableSpec) -> None:
    check.known(f"{key}.method", [claim.method], spec.methods, "method")
    if claim.than != "all_baselines":
        check.known(f"{key}.than", _names(claim.than), spec.methods, "method")
    if claim.over != "datasets":
        check.known(f"{key}.over", _names(claim.over), spec.datasets, "data set")
    check.known(f"{key}.metric_for", claim.metric_for, spec.datasets, "data set")
    metrics = [claim.metric, *claim.metric_for.values()]
    if claim.kind == "frontier":
        metrics.append(claim.cost)
        if not claim.budgets:
            check.fail(f"{key}.budgets", "a frontier claim declares the budgets it is judged at")
    check.known(f"{key}.metric", metrics, spec.metric_names(), "metric")
    for name in metrics:
        if spec.metric(name).better == "neither" and name != claim.cost:
            check.fail(f"{key}.metric", f"{name!r} has better: neither, so it cannot be a claim's")


def _check_reported(check: _Checker, spec: TableSpec) -> None:
    for index, number in enumerate(spec.reported):
        key = f"reported[{index}]"
        check.known(f"{key}.dataset", [number.dataset], spec.datasets, "data set")
        check.known(f"{key}.method", [number.method], spec.methods, "method")
        check.known(f"{key}.metric", [number.metric], spec.metric_names(), "metric")
        if not re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", number.value):
            check.fail(f"{key}.value", f"{number.value!r} is not a number as printed")
        if not re.search(r"\w{3,}", number.source) or "memory" in number.source.lower():
            check.fail(f"{key}.source", "must name a table, figure or file that someone can open")


def _names(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
