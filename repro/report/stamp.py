"""Whether the stored report still says what the stored trials say, without building it again."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from repro import paths
from repro.files import sha256_of_file, sha256_of_json
from repro.paths import ROOT
from repro.planning.plan import Plan
from repro.report.figures.spec import figures_path
from repro.trials.store import TrialRecord

#: Left last, so that a report cut short is never taken for a whole one.
STAMP = "summary.json"

_SOURCES = (
    "cells",
    "claims",
    "curves",
    "report",
    "seal.py",
    "settle.py",
    "spec",
    "statistics",
    "trial_table.py",
    "tuning.py",
)
_KINDS = (".py", ".html", ".css", ".tex")


def digest(plan: Plan, records: Sequence[TrialRecord]) -> str:
    """Return one hash over all that a report is made of: trials, specs and the report's sources."""
    figures = figures_path(plan.spec.paper)
    content = {
        "spec": dataclasses.asdict(plan.spec),
        "selection": [plan.scale_name, plan.partial, plan.datasets, plan.methods, plan.seeds],
        "figures": sha256_of_file(figures) if figures.is_file() else None,
        "loss_profiles": [sha256_of_file(p) for p in paths.LOSS_PROFILES if p.is_file()],
        "sources": sources(),
        "trials": [_trial(record) for record in records],
        "second_stage": [_trial(record) for record in _second_stage(plan)],
        "ledger": [dataclasses.asdict(entry) for entry in plan.ledger],
        "seal": _size_and_time(plan.paths.seal),
    }
    return sha256_of_json(content)


def sources() -> dict[str, str]:
    """Return the SHA-256 of each source that turns trials into a report, by its path."""
    return {path.relative_to(ROOT).as_posix(): sha256_of_file(path) for path in _source_files()}


def _second_stage(plan: Plan) -> list[TrialRecord]:
    if not plan.paths.second_stage.is_file():
        return []
    from repro.settle import second_plan

    second = second_plan(plan)
    return second.records() if second else []


def _trial(record: TrialRecord) -> list[object]:
    """A result's size and time of change stand for its bytes: 10,000 files need no second read."""
    path = record.folder.error if record.error else record.folder.result
    stored = [*_size_and_time(path), *_size_and_time(record.folder.curves)] if record.cost else []
    if record.error:
        stored = _size_and_time(path)
    return [record.trial.trial_id, record.state, record.moved, stored]


def _size_and_time(path: Path) -> list[int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return [0, 0]
    return [status.st_size, status.st_mtime_ns]


def _source_files() -> list[Path]:
    found: list[Path] = []
    for name in _SOURCES:
        path = ROOT / "repro" / name
        files = [path] if path.is_file() else path.rglob("*")
        found += [file for file in files if file.suffix in _KINDS]
    return sorted(found)
