"""The settings of a method on a data set: the table's, those of its sweep, those that tuning tries.

Where tuning has not chosen yet, the setting holds a placeholder: it has a place in the table and in
every count, but no trial of it can run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from repro.planning.tuning import Params, TuningRules, configurations
from repro.spec import ScaleSpec, TableSpec
from repro.trials.trial import Setting

#: Stands for a parameter's value as long as tuning has not chosen one.
AWAITS_TUNING = "awaits tuning"

_NO_VALUE = object()


@dataclass(frozen=True)
class Place:
    """Where a setting belongs: a method of a spec on a data set, at a scale."""

    spec: TableSpec
    scale: ScaleSpec
    dataset: str
    identity: str
    method: str

    def setting(self, params: Params, **fields: Any) -> Setting:
        """Return the setting with ``params`` here; ``fields`` are those that depend on its use."""
        return Setting(
            task=self.spec.task,
            task_settings=fields.pop("task_settings", dict(self.scale.task)),
            dataset=self.dataset,
            dataset_identity=self.identity,
            method=self.method,
            use=self.spec.methods[self.method].use,
            params=params,
            **fields,
        )


def table_settings(place: Place, tuned: Params) -> Iterator[Setting]:
    """Yield the setting that stands in the table, and where the scale sweeps here, the sweep's.

    ``tuned``  the parameters that tuning chooses, each with its value or ``AWAITS_TUNING``
    """
    entry = place.spec.methods[place.method]
    axes = {name: value for name, value in entry.params.items() if isinstance(value, dict)}
    fixed = {name: value for name, value in entry.params.items() if name not in axes}
    fixed |= {name: value for name, value in tuned.items() if name not in axes}
    table = {name: tuned.get(name, axis.get("table", _NO_VALUE)) for name, axis in axes.items()}
    points = [
        dict(zip(axes, values, strict=True))
        for values in itertools.product(*(axis["sweep"] for axis in axes.values()))
    ]
    for swept in points:
        in_table = swept == table
        if in_table or place.dataset in place.scale.sweep.datasets:
            yield _setting(place, fixed, swept, in_table=in_table, in_sweep=bool(axes))
    if table not in points and _NO_VALUE not in table.values():
        yield _setting(place, fixed, table, in_table=True, in_sweep=False)


def tuning_settings(place: Place, rules: TuningRules) -> list[Setting]:
    """Return one setting for each configuration that the method tries here."""
    entry = place.spec.methods[place.method]
    fixed = {name: value for name, value in entry.params.items() if not isinstance(value, dict)}
    return [
        place.setting(
            {**fixed, **params},
            task_settings=dict(rules.task),
            swept={},
            in_table=False,
            in_sweep=False,
        )
        for params in configurations(rules, place.method)
    ]


def _setting(
    place: Place, fixed: Params, swept: Params, *, in_table: bool, in_sweep: bool
) -> Setting:
    return place.setting({**fixed, **swept}, swept=swept, in_table=in_table, in_sweep=in_sweep)
