"""Trials as a table for programs: one row each, with fixed types, as Parquet or as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from typing import Any

from repro.files import canonical_json
from repro.trials.store import TrialRecord
from repro.trials.trial import Trial

Row = Mapping[str, Any]

#: What the trials of a second stage are run for, as the column ``purpose`` says it.
SECOND_STAGE = "second stage"

_INTEGERS = ("seed", "step", "attempts", "cost.peak_memory_bytes", "cost.cuda_peak_memory_bytes")
_TEXTS = ("cost.device",)
_NUMBERS = ("value",)


def trial_row(record: TrialRecord, seeds: int) -> dict[str, Any]:
    """Return what a trial is, its state, what it was made of, every cost and every metric.

    ``seeds`` is the number that the plan has: later ones are a second stage's.

    ``purpose``      ``table``, ``sweep``, ``tuning`` or ``second stage``
    ``code``, ``environment``, ``artifacts``, ``data``  JSON objects: name to hash or version
    ``cost.<name>``, ``metric.<name>``  a metric that was not measured has no entry; one that
                     diverged is NaN or infinite
    """
    setting = record.trial.setting
    made_with = (record.result or record.error).get("fingerprint", {})
    row: dict[str, Any] = {
        "trial_id": record.trial.trial_id,
        "dataset": setting.dataset,
        "dataset_identity": setting.dataset_identity,
        "method": setting.method,
        "seed": record.trial.seed,
        "purpose": _purpose(record.trial, seeds),
        "in_table": setting.in_table,
        "task": setting.task,
        "class": setting.use,
        "params": canonical_json(setting.params),
        "swept": canonical_json(setting.swept),
        "task_settings": canonical_json(setting.task_settings),
        "state": record.state,
        "moved": canonical_json(list(record.moved)),
        "error": record.error.get("message"),
        "code": canonical_json(made_with.get("files", {})),
        "environment": canonical_json(made_with.get("environment", {})),
        "artifacts": canonical_json(made_with.get("artifacts", {})),
        "data": canonical_json(record.result.get("data", {})),
    }
    stored = record.result or record.error
    row |= {name: stored.get(name) for name in ("commit", "host", "system", "finished")}
    row |= {f"cost.{name}": value for name, value in record.cost.items()}
    return row | {f"metric.{name}": value for name, value in record.metrics.items()}


def parquet_bytes(rows: Sequence[Row]) -> bytes:
    """Return ``rows`` as a Parquet file. What a row lacks is null; NaN and infinity stay."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        "integer": pa.int64(),
        "number": pa.float64(),
        "truth": pa.bool_(),
        "text": pa.string(),
    }
    columns = {
        name: pa.array([_typed(row.get(name), kind) for row in rows], types[kind])
        for name, kind in _kinds(rows).items()
    }
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def csv_bytes(rows: Sequence[Row]) -> bytes:
    """Return ``rows`` as CSV in UTF-8: RFC 4180 with lines that end in a line feed.

    What a row lacks is empty; numbers are as exact as Python prints them, with ``NaN``, ``inf`` and
    ``-inf`` spelled so; truth values are ``true`` and ``false``.
    """
    kinds = _kinds(rows)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(kinds)
    for row in rows:
        writer.writerow(_spelled(_typed(row.get(name), kind)) for name, kind in kinds.items())
    return buffer.getvalue().encode()


def _purpose(trial: Trial, seeds: int) -> str:
    if not (trial.setting.in_table or trial.setting.in_sweep):
        return "tuning"
    if trial.seed >= seeds:
        return SECOND_STAGE
    return "table" if trial.setting.in_table else "sweep"


def _kinds(rows: Sequence[Row]) -> dict[str, str]:
    """Return every row's columns with their kinds, in the order in which they first come."""
    return {name: _kind(name) for name in dict.fromkeys(name for row in rows for name in row)}


def _kind(name: str) -> str:
    if name in _INTEGERS:
        return "integer"
    if name in _NUMBERS or (name.startswith(("cost.", "metric.")) and name not in _TEXTS):
        return "number"
    return "truth" if name == "in_table" else "text"


def _typed(value: Any, kind: str) -> Any:
    """Return ``value`` as its column's type; ``None`` for a file's entry that is of another."""
    if value is None or kind == "truth":
        return value
    if kind == "text":
        # A lone surrogate, which JSON may hold, has no UTF-8.
        return str(value).encode("utf-8", "backslashreplace").decode()
    whole = kind == "integer"
    if not isinstance(value, int | float) or (whole and not math.isfinite(value)):
        return None
    return int(value) if whole else float(value)


def _spelled(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "NaN" if isinstance(value, float) and math.isnan(value) else value
