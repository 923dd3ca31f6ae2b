"""The record of a profile: one JSON file, whose fields are checked when it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from repro.errors import UserError
from repro.files import read_json, write_json

SCHEMA_VERSION = 2

_TOP = {"schema_version", "timestamp", "git", "device", "software", "protocol", "ceilings"}
_TOP |= {"clocks", "compiled", "results"}
_RESULT = {"operation", "variant", "mode", "dtype", "shape", "least_bytes", "products"}


def write(path: Path, record: dict[str, Any]) -> None:
    """Write a record, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, record)


def read(path: Path) -> dict[str, Any] | None:
    """Return the record in ``path``; ``None`` where there is none. Raises ``UserError``."""
    if not path.exists():
        return None
    record = read_json(path)
    if record is None:
        raise UserError(f"{path} is no JSON object: measure again (make profile), or remove it")
    missing = sorted(_TOP - record.keys())
    if missing:
        raise UserError(f"{path} lacks {', '.join(missing)}: measure again (make profile)")
    if record["schema_version"] != SCHEMA_VERSION:
        raise UserError(
            f"{path} has schema {record['schema_version']}, this version reads {SCHEMA_VERSION}: "
            "measure again (make profile)"
        )
    for index, result in enumerate(record["results"]):
        missing = sorted(_RESULT - result.keys())
        if missing:
            raise UserError(f"{path}: result {index} lacks {', '.join(missing)}: measure again")
    return record


def timed(record: dict[str, Any], operation: str, mode: str) -> dict[str, dict[str, Any]]:
    """Return the results of one operation in one mode that have a time, by variant."""
    return {
        result["variant"]: result
        for result in record["results"]
        if result["operation"] == operation and result["mode"] == mode and "time_ms" in result
    }


def of_copy_rate(record: dict[str, Any], result: dict[str, Any]) -> float | None:
    """Return the part of the copy rate at which the least bytes moved; ``None`` without any."""
    if not result["least_bytes"]:
        return None
    rate = result["least_bytes"] / (result["time_ms"]["p50"] * 1e-3) / 1e12
    return float(rate / record["ceilings"]["copy_tb_per_s"])


def of_product_rate(record: dict[str, Any], result: dict[str, Any]) -> float | None:
    """Return the part of the product rate at which the least products were computed."""
    if not result["products"]:
        return None
    rate = result["products"] / (result["time_ms"]["p50"] * 1e-3) / 1e12
    return float(rate / record["ceilings"]["product_tflop_per_s"])
