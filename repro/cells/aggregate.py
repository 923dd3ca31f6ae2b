"""From stored trials to cells: the seeds of one (data set, method, metric) taken together.

Nothing is dropped and nothing is imputed: a cell knows every trial that it should have had.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from repro.planning.plan import USER_FILE, Plan
from repro.spec import DatasetSpec, TableSpec
from repro.statistics import Summary, summarize
from repro.trials.store import TrialRecord
from repro.trials.trial import Setting

CellState = Literal[
    "complete", "single run", "incomplete", "diverged", "failed", "stale", "not comparable"
]


@dataclass(frozen=True)
class Group:
    """All trials of one setting, one per planned seed."""

    setting: Setting
    records: tuple[TrialRecord, ...]

    @property
    def shared_artifact_keys(self) -> frozenset[str]:
        """Keys of the artefacts that all finished seeds use: what they share is not replicated.

        A key is the name of the builder and the hash of its settings.
        """
        used = [
            set(record.result.get("fingerprint", {}).get("artifacts", {}))
            for record in self.records
            if record.state in ("done", "stale")
        ]
        return frozenset(set.intersection(*used)) if len(used) > 1 else frozenset()

    def values(self, metric: str, *, stale: bool = False) -> dict[int, float]:
        """Return seed → value of the finished trials; of the stale ones too where asked for."""
        states = ("done", "stale") if stale else ("done",)
        return {
            record.trial.seed: record.metrics[metric]
            for record in self.records
            if record.state in states and metric in record.metrics
        }


@dataclass(frozen=True)
class Cell:
    """One place of the table: what the seeds of a setting say of one metric.

    ``values``   seed → value of finished, fresh trials; non-finite where a run diverged
    ``stale``    seed → value of trials whose code, data or environment has changed since
    ``summary``  of the fresh values; of the stale ones where nothing else has finished, and the
                 state is then ``stale``. The two are never mixed. ``None`` where no value may be
                 shown: where runs diverged, no mean over the survivors is given
    """

    dataset: str
    method: str
    metric: str
    group: Group
    values: dict[int, float]
    stale: dict[int, float]
    state: CellState
    summary: Summary | None

    @property
    def address(self) -> str:
        """How the cell is called on the command line and in the report's files."""
        return f"{self.dataset}/{self.method}/{self.metric}"

    @property
    def planned(self) -> int:
        """Number of seeds that the plan has."""
        return len(self.group.records)

    @property
    def diverged(self) -> int:
        """Number of finished runs, among those that the cell shows, whose value is not finite."""
        return sum(not math.isfinite(value) for value in self.shown.values())

    @property
    def shown(self) -> dict[int, float]:
        """Seed → value of the runs that the cell is about: fresh, or stale where all are."""
        return _shown(self.values, self.stale)

    @property
    def complete(self) -> bool:
        """Whether every planned trial is finished and fresh, diverged or not."""
        return len(self.values) == self.planned

    def trials(self, *states: str) -> int:
        """Return the number of trials in one of ``states``."""
        return sum(record.state in states for record in self.group.records)


@dataclass(frozen=True)
class Aggregate:
    """Every cell of a plan, and the groups of trials behind them, sweeps included."""

    spec: TableSpec
    groups: tuple[Group, ...]
    cells: dict[tuple[str, str, str], Cell]

    def cell(self, dataset: str, method: str, metric: str) -> Cell | None:
        """Return a cell, or ``None`` where the table has no such place."""
        return self.cells.get((dataset, method, metric))

    def curve(self, dataset: str, method: str) -> tuple[Group, ...]:
        """Return the settings of a method on a data set, in the order of the sweep."""
        return self._curves.get((dataset, method), ())

    def sweep(self, dataset: str, method: str) -> tuple[Group, ...]:
        """Return the declared points of a method's sweep; a tuned setting between them is none."""
        return tuple(g for g in self.curve(dataset, method) if g.setting.in_sweep)

    @cached_property
    def _curves(self) -> dict[tuple[str, str], tuple[Group, ...]]:
        curves: dict[tuple[str, str], tuple[Group, ...]] = {}
        for group in self.groups:
            key = (group.setting.dataset, group.setting.method)
            curves[key] = (*curves.get(key, ()), group)
        return curves


def aggregate(plan: Plan, records: Sequence[TrialRecord]) -> Aggregate:
    """Return the cells of ``plan`` from the present state of its trials."""
    groups = tuple(_groups(records))
    metrics = _measured(plan.spec, groups)
    cells = {}
    for group in groups:
        setting = group.setting
        if setting.in_table:
            for metric in metrics[setting.dataset]:
                if _lacks(group, metric):
                    continue
                cell = make_cell(plan.spec, group, metric)
                cells[setting.dataset, setting.method, metric] = cell
    return Aggregate(plan.spec, groups, cells)


def make_cell(spec: TableSpec, group: Group, metric: str) -> Cell:
    """Return the cell of one metric over a group of trials."""
    dataset = dataset_entry(spec, group.setting.dataset)
    fresh = group.values(metric)
    everything = group.values(metric, stale=True)
    stale = {seed: value for seed, value in everything.items() if seed not in fresh}
    state = _state(group, fresh, stale) if dataset.compares(metric) else "not comparable"
    values = list(_shown(fresh, stale).values())
    whole = bool(values) and all(map(math.isfinite, values))
    summary = summarize(values, dataset.resplit) if whole else None
    setting = group.setting
    return Cell(setting.dataset, setting.method, metric, group, fresh, stale, state, summary)


def dataset_entry(spec: TableSpec, dataset: str) -> DatasetSpec:
    """Return the spec's entry of a data set.

    A user's file is what the spec's ``user_data`` says, labelled with the file's name and options
    (without its folder, so that tables stay narrow).
    """
    if not dataset.startswith(USER_FILE):
        return spec.datasets[dataset]
    path, separator, options = dataset.removeprefix(USER_FILE).partition("?")
    return replace(spec.user_data, label=f"{Path(path).name or path}{separator}{options}")


def artifact_name(key: str) -> str:
    """Return ``build_teacher`` of ``models.teachers.build_teacher/<hash of its settings>``."""
    return key.partition("/")[0].rpartition(".")[2]


def base_name(metric: str) -> str:
    """Return ``name`` of ``name@level``."""
    return metric.partition("@")[0]


def _groups(records: Sequence[TrialRecord]) -> list[Group]:
    found: dict[tuple[str, str, str], list[TrialRecord]] = {}
    for record in records:
        setting = record.trial.setting
        key = (setting.dataset, setting.method, repr(sorted(setting.swept.items())))
        found.setdefault(key, []).append(record)
    return [Group(members[0].trial.setting, tuple(members)) for members in found.values()]


def _measured(spec: TableSpec, groups: Sequence[Group]) -> dict[str, list[str]]:
    """Return, per data set, the metrics that any trial measured there, in the spec's order.

    Where no trial has finished yet, the table's metrics: their cells must show as unfinished.
    """
    seen: dict[str, set[str]] = {}
    for group in groups:
        names = seen.setdefault(group.setting.dataset, set())
        for record in group.records:
            names.update(record.metrics)
    table = [name for name in spec.metric_names() if spec.metric(name).table]
    return {
        dataset: [name for name in spec.metric_names() if name in names] or table
        for dataset, names in seen.items()
    }


def _lacks(group: Group, metric: str) -> bool:
    """Say whether all trials have finished and none gave the metric: the method has no such thing.

    What the headline table shows every method must have.
    """
    return all(
        record.state in ("done", "stale") and metric not in record.metrics
        for record in group.records
    )


def _shown(fresh: dict[int, float], stale: dict[int, float]) -> dict[int, float]:
    """Return the fresh values, or the stale ones where nothing else has finished."""
    return fresh or stale


def _state(group: Group, fresh: dict[int, float], stale: dict[int, float]) -> CellState:
    planned = len(group.records)
    if len(fresh) == planned:
        if not all(map(math.isfinite, fresh.values())):
            return "diverged"
        return "complete" if planned > 1 else "single run"
    if stale and not fresh:
        return "stale"
    if all(record.state == "failed" for record in group.records):
        return "failed"
    return "incomplete"
