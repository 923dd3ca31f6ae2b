"""Published text corpora through ``datasets``: fetched by name, or folders in its formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from models.language.libraries import library
from repro.data import cache_directory, data_folders, offline
from repro.errors import UserError, first_line

#: File endings that ``datasets`` reads, and the name of the reader.
READERS = {".jsonl": "json", ".json": "json", ".parquet": "parquet", ".csv": "csv", ".txt": "text"}


def load_split(
    name: str, split: str, configuration: str | None = None, revision: str | None = None
) -> Any:
    """Return one split of a published data set, as a ``datasets.Dataset``.

    ``name``  owner/name on the Hugging Face hub, fetched into the cache once (with ``OFFLINE=1`` it
              must lie there); or a folder, also below one of ``REPRO_DATA``: written by
              ``save_to_disk``, or with files <split>.jsonl, .json, .parquet, .csv or .txt (or
              <split>-….parquet, as published)

    Not to be had: ``UserError``. Scripts that come with a data set are never run.
    """
    folder = find_folder(name)
    if folder is not None:
        return _from_folder(folder, split)
    try:
        return library("datasets").load_dataset(
            name,
            configuration,
            split=split,
            revision=revision,
            cache_dir=str(cache_directory() / "datasets"),
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(_unread(name, error)) from error


def texts_of(rows: Any, column: str = "text") -> list[str]:
    """Return one column of a split as texts; one that is missing is a ``UserError``."""
    if column not in rows.column_names:
        raise UserError(
            f"the data set has no column {column!r}; its columns are {', '.join(rows.column_names)}"
        )
    return [str(text) for text in rows[column]]


def find_folder(name: str) -> Path | None:
    """Return the folder of a data set: a path, or ``name`` in a folder of ``REPRO_DATA``."""
    folders = [folder / name for folder in data_folders()]
    return next((f for f in (Path(name), *folders) if f.is_dir()), None)


def _from_folder(folder: Path, split: str) -> Any:
    datasets = library("datasets")
    if (folder / "dataset_dict.json").is_file():
        every = datasets.load_from_disk(str(folder))
        if split not in every:
            raise UserError(f"{folder} has no split {split!r}; it has {', '.join(every)}")
        return every[split]
    if (folder / "dataset_info.json").is_file():
        return datasets.load_from_disk(str(folder))
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix in READERS and path.stem.partition("-")[0] == split
    ]
    if not files:
        endings = ", ".join(f"{split}{ending}" for ending in READERS)
        raise UserError(f"{folder} has no file of the split {split!r}: one of {endings}")
    kind = READERS[files[0].suffix]
    same = [str(path) for path in files if READERS[path.suffix] == kind]
    try:
        return datasets.load_dataset(
            kind,
            data_files={split: same},
            split=split,
            cache_dir=str(cache_directory() / "datasets"),
        )
    except Exception as error:  # datasets wraps what its readers raise in types of its own
        raise UserError(f"{same[0]} could not be read: {first_line(_cause(error))}") from error


def _unread(name: str, error: Exception) -> str:
    if offline():
        return (
            f"the data set {name} is not on this machine and OFFLINE=1 forbids a download: fetch "
            "it without, or put its folder into a folder that REPRO_DATA names"
        )
    return f"the data set {name} could not be read: {first_line(_cause(error))}"


def _cause(error: Exception) -> Exception:
    """Return what ``datasets`` wrapped, where it did."""
    return error.__cause__ if isinstance(error.__cause__, Exception) else error
