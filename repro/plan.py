"""From a spec and a selection to trials with their states."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from repro.data import hash_of_data
from repro.errors import UserError, did_you_mean
from repro.files import sha256_of_path
from repro.fingerprint import Fingerprint, code_fingerprint, environment, moved
from repro.paths import ResultPaths
from repro.spec import ScaleSpec, TableSpec
from repro.store import State, TrialFolder, TrialRecord, read_record
from repro.trial import Setting, Trial

USER_FILE = "file:"


@dataclass(frozen=True)
class Selection:
    """What the user asked for on the command line; ``None`` means all that the spec names."""

    seeds: int | None = None
    datasets: tuple[str, ...] | None = None
    methods: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Plan:
    """The trials of one paper at one scale, and where they are stored.

    ``partial``  whether the selection leaves out or adds something: its report decides nothing
    """

    spec: TableSpec
    scale_name: str
    paths: ResultPaths
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: int
    partial: bool
    trials: tuple[Trial, ...]
    _fingerprints: dict[tuple[str, ...], Fingerprint] = field(default_factory=dict)

    @property
    def scale(self) -> ScaleSpec:
        """The spec's entry for this scale."""
        return self.spec.scales[self.scale_name]

    def folder(self, trial: Trial) -> TrialFolder:
        """Return where ``trial`` is stored."""
        return TrialFolder(self.paths.trials / trial.trial_id)

    def fingerprint(self, setting: Setting) -> Fingerprint:
        """Return the present code fingerprint of a setting's task and method."""
        return self._code(setting.task, setting.use)

    def _code(self, *names: str) -> Fingerprint:
        """Return a code fingerprint, computed once per plan: thousands of trials share it."""
        if names not in self._fingerprints:
            self._fingerprints[names] = code_fingerprint(names)
        return self._fingerprints[names]

    def records(self, trials: Iterable[Trial] | None = None) -> list[TrialRecord]:
        """Return the present state of each trial (of all, by default), read from the store."""
        stored = _names_in(self.paths.trials)
        return [
            self.record(trial)
            if trial.trial_id in stored
            else TrialRecord(trial, self.folder(trial), "missing")
            for trial in (self.trials if trials is None else trials)
        ]

    def record(self, trial: Trial) -> TrialRecord:
        """Return the present state of one trial; one whose code has moved since is stale."""
        record = read_record(trial, self.folder(trial))
        if record.state not in ("done", "failed"):
            return record
        stored = record.result or record.error
        present = self.fingerprint(trial.setting)
        changed = what_moved(stored.get("fingerprint", {}), present, self._code)
        if not changed:
            return record
        state: State = "stale" if record.state == "done" else "missing"
        return replace(record, state=state, moved=tuple(changed))


def _names_in(folder: Path) -> set[str]:
    """Return the entries of ``folder``: one look instead of one per trial that is not there."""
    try:
        return {entry.name for entry in os.scandir(folder)}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def what_moved(
    stored: dict[str, Any],
    present: Fingerprint,
    code_of: Callable[[str], Fingerprint] = lambda name: code_fingerprint([name]),
) -> list[str]:
    """Return the sources, packages, artefacts and data that have changed since a result.

    ``code_of`` gives the present fingerprint of an artefact's builder.
    """
    changed = moved(stored.get("files", {}), present.files)
    changed += moved(stored.get("environment", {}), environment(present.packages))
    for name, code in stored.get("artifacts", {}).items():
        if code_of(name.partition("/")[0]).digest != code:
            changed.append(f"artefact {name}")
    for name, digest in stored.get("data", {}).items():
        # Data that are not on this machine cannot be compared; they have not moved here.
        if Path(name).exists() and hash_of_data(Path(name)) != digest:
            changed.append(f"data {name}")
    return changed


def make_plan(spec: TableSpec, scale: str, results: Path, selection: Selection) -> Plan:
    """Return the plan for ``spec`` at ``scale``. A name the spec lacks: ``UserError``."""
    if scale not in spec.scales:
        valid = ", ".join(spec.scales)
        raise UserError(f"paper {spec.paper!r} has no scale {scale!r}; valid: {valid}")
    entry = spec.scales[scale]
    datasets = _chosen_datasets(selection.datasets, entry, spec)
    methods = _chosen_methods(selection.methods, entry, spec)
    seeds = entry.seeds if selection.seeds is None else selection.seeds
    if seeds < 1:
        raise UserError(f"SEEDS must be at least 1, is {seeds}")
    all_methods = tuple(entry.methods or spec.methods)
    full = (tuple(entry.datasets), all_methods, entry.seeds)
    partial = (datasets, methods, seeds) != full
    trials = tuple(_trials(spec, entry, datasets, methods, seeds))
    paths = ResultPaths(results, spec.paper, scale)
    return Plan(spec, scale, paths, datasets, methods, seeds, partial, trials)


def _trials(
    spec: TableSpec, scale: ScaleSpec, datasets: Sequence[str], methods: Sequence[str], seeds: int
) -> Iterator[Trial]:
    """Yield the trials, seed by seed, so that an early look at a run sees each cell."""
    identities = {dataset: dataset_identity(dataset) for dataset in datasets}
    settings = [
        setting
        for dataset, identity in identities.items()
        for method in methods
        for setting in _settings(spec, scale, dataset, identity, method)
    ]
    for seed in range(seeds):
        for setting in settings:
            if setting.in_table or seed < scale.sweep.seeds:
                yield Trial(setting, seed)


def _settings(
    spec: TableSpec, scale: ScaleSpec, dataset: str, identity: str, method: str
) -> Iterator[Setting]:
    entry = spec.methods[method]
    axes = {k: v for k, v in entry.params.items() if isinstance(v, dict)}
    fixed = {k: v for k, v in entry.params.items() if k not in axes}
    for values in itertools.product(*(axis["sweep"] for axis in axes.values())):
        swept = dict(zip(axes, values, strict=True))
        in_table = all(axes[k].get("table", _NO_VALUE) == v for k, v in swept.items())
        if not in_table and dataset not in scale.sweep.datasets:
            continue
        yield Setting(
            task=spec.task,
            task_settings=dict(scale.task),
            dataset=dataset,
            dataset_identity=identity,
            method=method,
            use=entry.use,
            params={**fixed, **swept},
            swept=swept,
            in_table=in_table,
        )


_NO_VALUE = object()


def dataset_identity(dataset: str) -> str:
    """Return the key, or ``file:<sha256>[?…]`` for a user's file: its path does not count."""
    if not dataset.startswith(USER_FILE):
        return dataset
    name, separator, options = dataset.removeprefix(USER_FILE).partition("?")
    path = Path(name).expanduser()
    if not path.exists():
        raise UserError(f"DATASETS: {path}: there is no such file or folder")
    return f"{USER_FILE}{sha256_of_path(path)}{separator}{options}"


def _chosen_datasets(
    wanted: tuple[str, ...] | None, scale: ScaleSpec, spec: TableSpec
) -> tuple[str, ...]:
    if wanted is None:
        return tuple(scale.datasets)
    for name in wanted:
        if not name.startswith(USER_FILE) and name not in spec.datasets:
            near = did_you_mean(name, spec.datasets)
            raise UserError(f"DATASETS: unknown data set {name!r}{near}; or file:<path>")
    return tuple(dict.fromkeys(wanted))


def _chosen_methods(
    wanted: tuple[str, ...] | None, scale: ScaleSpec, spec: TableSpec
) -> tuple[str, ...]:
    if wanted is None:
        return tuple(scale.methods or spec.methods)
    for name in wanted:
        if name not in spec.methods:
            raise UserError(f"METHODS: unknown method {name!r}{did_you_mean(name, spec.methods)}")
    return tuple(key for key in spec.methods if key in wanted)
