"""The verb `fetch`: get and verify a paper's data once, before any trial starts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from repro.data import DataFile, find, locate
from repro.errors import EXIT_USER_ERROR, UserError
from repro.planning.plan import USER_FILE, Plan
from repro.spec.signatures import import_name


def check_datasets(task_name: str, datasets: Iterable[str]) -> None:
    """Make sure that every data set is at hand and readable. Raises ``UserError`` otherwise.

    A task may offer two static methods: ``data_files(dataset)``, the files that a data set needs,
    and ``check_dataset(dataset)``, which raises ``UserError`` for a user's file in a wrong format
    and for a folder that is missing and cannot be downloaded.
    """
    task = import_name(task_name, "task")
    names = sorted(datasets)
    files = [file for dataset in names for file in files_of(task, dataset)]
    # First those that are never downloaded: gigabytes are not fetched for what cannot start.
    for file in sorted(files, key=lambda file: bool(file.urls)):
        locate(file)
    for dataset in names:
        _check_dataset(task, dataset)


def check_user_files(plan: Plan) -> None:
    """Raise ``UserError`` where a user's own file among the plan's data sets cannot be used.

    Nothing is fetched, and a plan of named data sets alone imports no task.
    """
    own = [dataset for dataset in plan.datasets if dataset.startswith(USER_FILE)]
    if own:
        check_datasets(plan.spec.task, own)


def fetch(plan: Plan) -> int:
    """Get what the plan's data sets need, say where each file lies; return the exit status."""
    task = import_name(plan.spec.task, "task")
    ready = [_fetch_dataset(task, dataset) for dataset in plan.datasets]
    return 0 if all(ready) else EXIT_USER_ERROR


def files_of(task: Any, dataset: str) -> tuple[DataFile, ...]:
    """Return the files that a task's data set needs; none where the task says nothing."""
    if not hasattr(task, "data_files"):
        return ()
    files: tuple[DataFile, ...] = tuple(task.data_files(dataset))
    return files


def _check_dataset(task: Any, dataset: str) -> None:
    if hasattr(task, "check_dataset"):
        task.check_dataset(dataset)


def _fetch_dataset(task: Any, dataset: str) -> bool:
    """Get a data set's files and check it; one that cannot be had is a line, the others go on."""
    files = files_of(task, dataset)
    # Counted, so that a file that cannot be had does not keep the next one from being fetched.
    if sum(_fetch_one(dataset, file) for file in files) < len(files):
        return False
    try:
        _check_dataset(task, dataset)
    except UserError as error:
        print(f"{dataset}: {error}")
        return False
    if not files:
        print(f"{dataset}: at hand")
    return True


def _fetch_one(dataset: str, file: DataFile) -> bool:
    """Get one file and say so; a file that cannot be had is one line."""
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
