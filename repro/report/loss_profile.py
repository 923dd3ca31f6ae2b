"""What the losses of a paper cost: their part of the records that ``make profile`` has written.

Records are read as they are, nothing is measured here. Where none has a measurement of a loss that
the paper's sources import, the report says nothing of the losses' cost.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro import paths
from repro.errors import UserError
from repro.files import read_json
from repro.planning.plan import Plan
from repro.trials.fingerprint import imported_names

#: The package whose functions a profile times.
PACKAGE = "losses"

TITLE = "What the losses cost"

#: Heads of the fields of ``Row``, in order.
HEADERS = (
    "Loss",
    "Size",
    "Variant",
    "Forward (ms)",
    "Forward and gradient (ms)",
    "Against ours",
    "Extra memory",
    "Gradient's error",
)

#: The record's layout that this module reads (``losses/profile/record.py`` writes it).
_SCHEMA = 2

#: Modes of a record, each a column.
_FORWARD, _BOTH = "forward", "forward + gradient"


@dataclass(frozen=True)
class Row:
    """One implementation of one loss, in words; a mode that was not measured is a dash.

    Times are milliseconds, medians with 95 % intervals; ``ratio`` is that of forward and gradient
    to ours.
    """

    loss: str
    size: str
    variant: str
    forward: str
    gradient: str
    ratio: str
    memory: str
    error: str


@dataclass(frozen=True)
class LossProfile:
    """The measured losses of one paper on one device.

    ``caption``  device, versions, date and clock; ``missing``  the paper's other losses
    """

    caption: str
    rows: tuple[Row, ...]
    missing: tuple[str, ...]

    @property
    def groups(self) -> list[tuple[Row, ...]]:
        """The rows of each loss."""
        return [tuple(rows) for _, rows in itertools.groupby(self.rows, lambda row: row.loss)]

    @property
    def missing_note(self) -> str:
        """Which of the paper's losses have no measurement here; empty where all have one."""
        return f"Not measured: {', '.join(self.missing)}." if self.missing else ""


def loss_profiles(plan: Plan) -> tuple[LossProfile, ...]:
    """Return what was measured of the losses that a paper's task and methods import.

    One profile per record; none where nothing was measured. A record that cannot be read, or of
    another layout: ``UserError``.
    """
    records = [(path, read_json(path)) for path in paths.LOSS_PROFILES if path.is_file()]
    if not records:
        return ()
    used = imported_names([plan.spec.task, *(m.use for m in plan.spec.methods.values())], PACKAGE)
    found = (_profile(path, record, used) for path, record in records)
    return tuple(profile for profile in found if profile.rows)


def _profile(path: Path, record: dict[str, Any] | None, used: set[str]) -> LossProfile:
    if record is None or record.get("schema_version") != _SCHEMA:
        raise UserError(
            f"{path} is no record of schema {_SCHEMA}: measure again (make profile), or remove it"
        )
    try:
        results = [r for r in record["results"] if r["operation"] in used and "time_ms" in r]
        measured = {result["operation"] for result in results}
        timed = {result["operation"] for result in record["results"]}
        return LossProfile(
            _caption(record), _rows(results), tuple(sorted((used & timed) - measured))
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"{path} lacks {error} in what a report reads: measure again (make profile), or remove "
            "it"
        ) from error


def _caption(record: dict[str, Any]) -> str:
    device, software, protocol = (record[key] for key in ("device", "software", "protocol"))
    versions = ", ".join(f"{name} {version}" for name, version in software.items() if version)
    kind = "GPU" if device["type"] == "cuda" else "CPU, one thread"
    commit = (record["git"]["sha"] or "unknown")[:12]
    changed = " with changes" if record["git"]["dirty"] else ""
    place = f"{record['timestamp'][:10]} on {device['name']} ({kind})"
    return (
        "Time per call of the losses that this paper's sources import, in milliseconds: the median "
        f"with its 95 % interval over {protocol['repetitions']} calls; clock: {protocol['clock']}. "
        f"Measured on {place}, {versions}, commit {commit}{changed}. Inputs are of the sizes "
        "named, not those of this report's trials"
    )


def _rows(results: Sequence[dict[str, Any]]) -> tuple[Row, ...]:
    """Return a row for each implementation of each loss, in the record's order."""
    grouped: dict[tuple[str, str], dict[str, dict[str, Any]]] = {}
    for result in results:
        key = result["operation"], result["variant"]
        grouped.setdefault(key, {})[result["mode"]] = result
    return tuple(
        _row(modes, grouped.get((loss, "ours"), {}).get(_BOTH))
        for (loss, _), modes in grouped.items()
        if {_FORWARD, _BOTH} & modes.keys()
    )


def _row(modes: dict[str, dict[str, Any]], ours: dict[str, Any] | None) -> Row:
    any_mode = next(iter(modes.values()))
    both = modes.get(_BOTH, {})
    ratio = both["time_ms"]["p50"] / ours["time_ms"]["p50"] if both and ours else None
    sizes = " × ".join(str(size) for size in any_mode["shape"].values())
    return Row(
        loss=any_mode["operation"],
        size=f"{sizes}, {any_mode['dtype']}",
        variant=any_mode["variant"],
        forward=_time(modes.get(_FORWARD)),
        gradient=_time(modes.get(_BOTH)),
        ratio=_number(ratio, "{:.2f}×"),
        memory=_number(both.get("peak_bytes"), "{:.0f} MB", 1e-6),
        error=_number(max(both.get("relative_error", [])[1:], default=None), "{:.0e}"),
    )


def _time(result: dict[str, Any] | None) -> str:
    if result is None:
        return "—"
    low, high = result["time_ms"]["interval"]
    middle = result["time_ms"]["p50"]
    return " ".join([_digits(middle), f"({_digits(low)} to {_digits(high)})"])


def _digits(milliseconds: float) -> str:
    """Return about three digits: an interval of repetitions carries no more."""
    decimals = 3 if milliseconds < 1 else 2 if milliseconds < 10 else 1 if milliseconds < 100 else 0
    return f"{milliseconds:.{decimals}f}"


def _number(value: float | None, form: str, scale: float = 1.0) -> str:
    return "—" if value is None else form.format(value * scale)
