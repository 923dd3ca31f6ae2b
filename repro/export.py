"""The verb `export`: every trial, or every point of every curve, as a table in one file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from repro.errors import UserError, did_you_mean
from repro.files import make_directory, read_json_lines, write_bytes
from repro.planning.plan import Plan
from repro.trial_table import Row, csv_bytes, parquet_bytes, trial_row
from repro.trials.attempts import read_attempts
from repro.trials.store import TrialRecord

_FORMATS: dict[str, Callable[[Sequence[Row]], bytes]] = {
    "parquet": parquet_bytes,
    "csv": csv_bytes,
}
FORMATS = tuple(_FORMATS)


def export(
    plan: Plan, records: Sequence[TrialRecord], to: str, output: Path | None, *, curves: bool
) -> Path:
    """Write ``records`` as one file of the format ``to``; return its path.

    One row per trial, whatever its state; with ``curves``, one per point: step, metric, value.
    Without ``output`` the file is ``export/trials.<to>`` (or ``curves``) beside the report.
    An unknown format, or a place that cannot be written: ``UserError``.
    """
    if to not in _FORMATS:
        raise UserError(f"TO: unknown format {to!r}{did_you_mean(to, _FORMATS)}")
    path = _path(plan, to, output, curves=curves)
    if not any(record.state in ("done", "stale", "failed") for record in records):
        where = f"{plan.spec.paper} at scale {plan.scale_name}"
        raise UserError(f"no trial of {where} has finished, so there is nothing to export")
    rows = list(_points(plan, records) if curves else _trials(plan, records))
    if not rows:
        raise UserError(f"no trial of {plan.spec.paper} at scale {plan.scale_name} logged a curve")
    content = _FORMATS[to](rows)
    make_directory(path.parent)
    write_bytes(path, content)
    return path


def _path(plan: Plan, to: str, output: Path | None, *, curves: bool) -> Path:
    if output is None:
        partial = "-partial" if plan.partial else ""
        name = "curves" if curves else "trials"
        return plan.paths.base / "export" / f"{name}{partial}.{to}"
    if output.is_dir():
        raise UserError(f"OUTPUT: {output} is a folder: name a file in it")
    ending = output.suffix.removeprefix(".")
    if ending in _FORMATS and ending != to:
        raise UserError(f"OUTPUT: {output} ends in .{ending}, but the format is {to}")
    return output


def _trials(plan: Plan, records: Sequence[TrialRecord]) -> Iterator[Row]:
    for record in records:
        attempts = len(read_attempts(record.folder.attempts))
        yield {**_where(plan), **trial_row(record, plan.seeds), "attempts": attempts}


def _points(plan: Plan, records: Sequence[TrialRecord]) -> Iterator[Row]:
    """Yield one row per logged value. A value that is no number, as in a damaged line, is none."""
    for record in records:
        row = trial_row(record, plan.seeds)
        names = ("trial_id", "dataset", "method", "seed", "purpose", "swept", "state")
        known = {**_where(plan), **{name: row[name] for name in names}}
        for point in read_json_lines(record.folder.curves):
            for metric, value in point.items():
                if metric != "step" and isinstance(value, int | float):
                    yield {**known, "step": point.get("step"), "metric": metric, "value": value}


def _where(plan: Plan) -> dict[str, str]:
    return {"paper": plan.spec.paper, "scale": plan.scale_name}
