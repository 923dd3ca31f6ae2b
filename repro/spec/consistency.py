"""What a spec's types cannot say: that its parts name each other rightly."""

from __future__ import annotations

import itertools
from pathlib import Path

from repro.spec.checker import Checker
from repro.spec.claims import check_claims
from repro.spec.reported import check_overall, check_reported
from repro.spec.schema import SCALES, DatasetSpec, MethodSpec, ScaleSpec, TableSpec
from repro.spec.tuning import check_tuning


def check_consistency(spec: TableSpec, path: Path) -> None:
    """Raise ``UserError`` for the first name in ``spec`` that refers to nothing."""
    check = Checker(path)
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
    check_claims(check, spec)
    check_reported(check, spec)
    check_overall(check, spec)
    check_tuning(check, spec)


def _check_scale(check: Checker, key: str, scale: ScaleSpec, spec: TableSpec) -> None:
    check.known(f"{key}.datasets", scale.datasets, spec.datasets, "data set")
    check.known(f"{key}.sweep.datasets", scale.sweep.datasets, scale.datasets, "data set")
    check.known(f"{key}.methods", scale.methods or [], spec.methods, "method")
    check.known(f"{key}.resources.methods", scale.resources.methods, spec.methods, "method")
    if scale.seeds < 1:
        check.fail(f"{key}.seeds", f"must be at least 1, is {scale.seeds}")
    if not 0 <= scale.sweep.seeds <= scale.seeds:
        check.fail(f"{key}.sweep.seeds", f"must lie between 0 and {scale.seeds}")


def _check_dataset(check: Checker, key: str, dataset: DatasetSpec, spec: TableSpec) -> None:
    check.known(f"{key}.not_compared", dataset.not_compared, spec.metrics, "metric")
    if dataset.resplit < 0:
        check.fail(f"{key}.resplit", f"must be n_held_out / n_train or 0, is {dataset.resplit}")


def _check_sweep(check: Checker, key: str, method: MethodSpec) -> None:
    for name, value in method.params.items():
        if not isinstance(value, dict):
            continue
        place = f"{key}.params.{name}"
        check.known(place, value, ("sweep", "table"), "key")
        values = value.get("sweep")
        if not isinstance(values, list) or len(values) < 2:
            check.fail(place, "sweep: must list at least two values")
        for first, second in itertools.combinations(values, 2):
            if first == second:
                check.fail(place, f"sweep: {first!r} and {second!r} are the same value")
        if "table" in value and value["table"] not in values:
            check.fail(place, f"table: {value['table']!r} is not among the swept values {values}")
