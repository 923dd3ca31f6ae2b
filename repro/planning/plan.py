"""From a spec and a selection to trials with their states.

Trials of tuning come first. What they chose makes the table's trials; as long as they have not
ended, the table's are counted, but cannot run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from repro.errors import UserError, did_you_mean
from repro.files import sha256_of_path
from repro.paths import ResultPaths
from repro.planning.settings import AWAITS_TUNING, Place, table_settings, tuning_settings
from repro.planning.tuning import (
    LedgerEntry,
    Params,
    TuningRules,
    configurations,
    ledger_entry,
    rules_at,
    tried_from,
)
from repro.spec import ScaleSpec, TableSpec
from repro.trials.fingerprint import Fingerprint, code_fingerprint, what_moved
from repro.trials.store import State, TrialFolder, TrialRecord, read_record
from repro.trials.trial import Setting, Trial

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
    ``trials``   those of the table and of its sweeps
    ``tuning_trials``  those that run before them, on seeds of their own
    ``ledger``   what tuning tried and chose, per data set and method; empty without tuning
    """

    spec: TableSpec
    scale_name: str
    paths: ResultPaths
    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: int
    partial: bool
    trials: tuple[Trial, ...]
    tuning_trials: tuple[Trial, ...] = ()
    ledger: tuple[LedgerEntry, ...] = ()
    _fingerprints: dict[tuple[str, ...], Fingerprint] = field(default_factory=dict)

    @property
    def scale(self) -> ScaleSpec:
        """The spec's entry for this scale."""
        return self.spec.scales[self.scale_name]

    @cached_property
    def tuned(self) -> dict[tuple[str, str], Params]:
        """Parameters that tuning sets, by (data set, method): values, or ``AWAITS_TUNING``."""
        space = self.spec.tuning.space if self.spec.tuning else {}
        return {
            (entry.dataset, entry.method): entry.chosen
            if entry.chosen is not None
            else dict.fromkeys(space.get(entry.method, {}), AWAITS_TUNING)
            for entry in self.ledger
        }

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

    def records(
        self, trials: Iterable[Trial] | None = None, stored: set[str] | None = None
    ) -> list[TrialRecord]:
        """Return the present state of each trial (of the table's, by default), from the store.

        ``stored``  the names of the trials' folders, where the caller has looked already
        """
        stored = stored_names(self.paths.trials) if stored is None else stored
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


def stored_names(folder: Path) -> set[str]:
    """Return the entries of the folder of trials: one look instead of one per trial."""
    try:
        return {entry.name for entry in os.scandir(folder)}
    except (FileNotFoundError, NotADirectoryError):
        return set()


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
    paths = ResultPaths(results, spec.paper, scale)
    plan = Plan(spec, scale, paths, datasets, methods, seeds, partial, trials=())
    return with_choices(plan)


def tuning_rules(plan: Plan) -> TuningRules | None:
    """Return how the plan's methods are tuned; ``None`` where the spec tunes none."""
    tuning = plan.spec.tuning
    if tuning is None:
        return None
    return rules_at(tuning, plan.scale, plan.spec.metric(tuning.select.metric).better)


def awaits_tuning(trial: Trial) -> bool:
    """Say whether tuning has not chosen the trial's parameters yet: it cannot run."""
    return AWAITS_TUNING in trial.setting.params.values()


def places(plan: Plan) -> list[Place]:
    """Return every method of the plan on each of its data sets."""
    identities = {dataset: dataset_identity(dataset) for dataset in plan.datasets}
    return [
        Place(plan.spec, plan.scale, dataset, identity, method)
        for dataset, identity in identities.items()
        for method in plan.methods
    ]


def table_settings_of(plan: Plan, place: Place) -> list[Setting]:
    """Return the table's setting and the sweep's, with what the plan's ledger has chosen."""
    return list(table_settings(place, plan.tuned.get((place.dataset, place.method), {})))


def with_choices(plan: Plan) -> Plan:
    """Return the plan with tuning's present choices, and with the trials that follow from them."""
    everywhere = places(plan)
    rules = tuning_rules(plan)
    if rules is not None:
        plan = _with_tuning(plan, everywhere, rules)
    return replace(plan, trials=tuple(_table_trials(plan, everywhere)))


def _table_trials(plan: Plan, everywhere: Iterable[Place]) -> Iterator[Trial]:
    """Yield the trials, seed by seed, so that an early look at a run sees each cell."""
    settings = [setting for place in everywhere for setting in table_settings_of(plan, place)]
    for seed in range(plan.seeds):
        for setting in settings:
            if setting.in_table or seed < plan.scale.sweep.seeds:
                yield Trial(setting, seed)


def _with_tuning(plan: Plan, everywhere: Sequence[Place], rules: TuningRules) -> Plan:
    """Add tuning's trials, and from their present results what each method chose."""
    trials: list[Trial] = []
    ledger = []
    stored = stored_names(plan.paths.trials)
    for place in everywhere:
        tried = []
        settings = tuning_settings(place, rules)
        for params, setting in zip(configurations(rules, place.method), settings, strict=True):
            own = [Trial(setting, seed) for seed in rules.seeds]
            trials += own
            tried.append(tried_from(params, plan.records(own, stored), rules.metric))
        ledger.append(ledger_entry(rules, place.dataset, place.method, tried))
    return replace(plan, tuning_trials=tuple(trials), ledger=tuple(ledger))


def dataset_identity(dataset: str) -> str:
    """Return the key, or ``file:<sha256>[?…]`` for a user's file: its path does not count."""
    if not dataset.startswith(USER_FILE):
        return dataset
    name, separator, options = dataset.removeprefix(USER_FILE).partition("?")
    if not name:
        raise UserError(f"DATASETS: {dataset} names no file: write file:<path>")
    try:
        path = Path(name).expanduser()
    except RuntimeError:
        raise UserError(f"DATASETS: {name}: there is no such user") from None
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
