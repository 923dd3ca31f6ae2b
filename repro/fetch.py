"""The verb `fetch`: get and verify a paper's data once, before any trial starts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from repro.data import DataFile, find, locate
from repro.errors import UserError
from repro.plan import Plan
from repro.spec.signatures import import_name


def check_datasets(task_name: str, datasets: Iterable[str]) -> None:
    """Make sure that every data set is at hand and readable. Raises ``UserError`` otherwise.

    A task may offer two static methods: ``data_files(dataset)``, the files that a data set needs,
    and ``check_dataset(dataset)``, which raises ``UserError`` for a user's file in a wrong format.
    """
    task = import_name(task_name, "task")
    for dataset in sorted(datasets):
        for file in files_of(task, dataset):
            locate(file)
        if hasattr(task, "check_dataset"):
            task.check_dataset(dataset)


def fetch(plan: Plan) -> int:
    """Get the files that the plan's data sets need, say where each lies; return the status."""
    task = import_name(plan.spec.task, "task")
    problems = 0
    for dataset in plan.datasets:
        files = files_of(task, dataset)
        if not files:
            print(f"{dataset}: needs no download")
        for file in files:
            problems += not _fetch_one(dataset, file)
    return 2 if problems else 0


def files_of(task: Any, dataset: str) -> tuple[DataFile, ...]:
    """Return the files that a task's data set needs; none where the task says nothing."""
    if not hasattr(task, "data_files"):
        return ()
    files: tuple[DataFile, ...] = tuple(task.data_files(dataset))
    return files


def _fetch_one(dataset: str, file: DataFile) -> bool:
    """Get one file and say so; a file that cannot be had is one line, and the others go on."""
    try:
        was_there = find(file) is not None
        path = locate(file)
    except UserError as error:
        print(f"{dataset}: {error}")
        return False
    state = "found" if was_there else "downloaded"
    verified = "verified" if file.sha256 else "UNVERIFIED (no published hash)"
    print(f"{dataset}: {file.name} {state}, {verified}: {path}")
    return True
