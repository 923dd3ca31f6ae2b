"""A stored report as data: its verdicts and its trials, read from the files for programs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.errors import UserError
from repro.files import read_json
from repro.trial_table import SECOND_STAGE

VERDICTS = "verdicts.json"
TRIALS = "trials.parquet"

_NEEDED = {"dataset", "method", "seed", "in_table", "swept", "state", "purpose"}

Row = dict[str, Any]

#: Where a trial stands in its group: its sweep's values, "" for the table's; and its seed.
Position = tuple[str, int]
#: The trials of one method on one data set.
Group = dict[Position, Row]
Groups = dict[tuple[str, str], Group]


@dataclass(frozen=True)
class StoredReport:
    """What a report says of its cells and claims, and the trials behind it.

    ``first``   (data set, method) → the trials of the table and of sweeps
    ``second``  those of a second stage
    """

    folder: Path
    verdicts: dict[str, Any]
    first: Groups
    second: Groups

    def entries(self, section: str) -> dict[str, dict[str, Any]]:
        """Return the entries of a section of ``verdicts.json`` by what identifies them.

        ``second_stage.claims`` and ``second_stage.cells`` are those of a second stage.
        """
        found: Any = self.verdicts
        for key in section.split("."):
            found = (found or {}).get(key) or []
        return {str(entry.get("address") or entry["id"]): entry for entry in found}


def read_report(path: Path) -> StoredReport:
    """Return the report at ``path``: its folder, or one of the two files in it.

    No report there, or a damaged one: ``UserError``.
    """
    folder = path.parent if path.name in (VERDICTS, TRIALS) else path
    verdicts = read_json(folder / VERDICTS)
    if verdicts is None or not {"paper", "scale", "cells", "claims"} <= verdicts.keys():
        raise UserError(
            f"{path}: is no report: name a folder that has {VERDICTS} and {TRIALS}, such as "
            f"results/<paper>/<scale>/report"
        )
    first: Groups = {}
    second: Groups = {}
    for row in _rows(folder / TRIALS):
        # What tuning tried is no part of a cell; what it chose is seen in the parameters.
        if row["purpose"] != "tuning":
            groups = second if row["purpose"] == SECOND_STAGE else first
            group = groups.setdefault((row["dataset"], row["method"]), {})
            group["" if row["in_table"] else row["swept"], row["seed"]] = row
    return StoredReport(folder, verdicts, first, second)


def json_of(row: Row, column: str) -> dict[str, Any]:
    """Return a column that holds a JSON object; empty where the report has no such column."""
    content = json.loads(row.get(column) or "{}")
    return content if isinstance(content, dict) else {}


def named(content: Any) -> Any:
    """Return nested JSON with each list of objects as an object, by what identifies each."""
    if isinstance(content, list) and any(isinstance(item, dict) for item in content):
        content = {_name(item, number): item for number, item in enumerate(content)}
    if not isinstance(content, dict):
        return content
    return {str(key): named(value) for key, value in content.items()}


def _name(item: Any, number: int) -> str:
    if not isinstance(item, dict):
        return str(number)
    cell = [str(item[key]) for key in ("dataset", "method", "metric") if key in item]
    return str(item.get("id") or "/".join(cell) or number)


def _rows(path: Path) -> list[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[Row] = pq.read_table(path).to_pylist()
    except FileNotFoundError as error:
        raise UserError(f"{path}: is missing: write the report again with `make report`") from error
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{path}: is damaged: write the report again with `make report`") from error
    if rows and not rows[0].keys() >= _NEEDED:
        raise UserError(
            f"{path}: was written by an older harness: write the report again with `make report`"
        )
    return rows
