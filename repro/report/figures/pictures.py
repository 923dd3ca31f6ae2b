"""Panels of ``images``: files that trials wrote to their artefact folder, in rows and columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from repro.cells.aggregate import Aggregate, Group, dataset_entry
from repro.report import wording
from repro.report.figures.content import Panel, Picture
from repro.report.figures.spec import FigureSpec
from repro.trials.store import TrialRecord

#: Why a trial in a state has no image. A stale trial's is not shown: its code or data has moved.
_REASONS = {
    "missing": f"{wording.SYMBOLS['incomplete']} not run",
    "running": f"{wording.SYMBOLS['incomplete']} running",
    "lost": f"{wording.SYMBOLS['incomplete']} lost",
    "failed": f"{wording.SYMBOLS['failed']} failed",
    "stale": f"{wording.SYMBOLS['stale']} stale",
}


def panel(
    figure: FigureSpec, dataset: str, methods: Sequence[str], data: Aggregate
) -> Panel | None:
    """Return a data set's grid of images; ``None`` where none of them is there."""
    files = figure.files or []
    pictures = [
        _picture(row, column, _record(figure.seed or 0, data.curve(dataset, method)), name)
        for row, method in enumerate(methods)
        for column, name in enumerate(files)
    ]
    if all(picture.path is None for picture in pictures):
        return None
    return Panel(
        dataset_entry(data.spec, dataset).label,
        categories=tuple(data.spec.methods[method].label for method in methods),
        pictures=tuple(pictures),
        columns=tuple(PurePosixPath(name).stem.replace("_", " ") for name in files),
    )


def _record(seed: int, groups: Sequence[Group]) -> TrialRecord | None:
    """Return the table's trial of ``seed``."""
    records = (r for group in groups if group.setting.in_table for r in group.records)
    return next((record for record in records if record.trial.seed == seed), None)


def _picture(row: int, column: int, record: TrialRecord | None, name: str) -> Picture:
    if record is None:
        return Picture(row, column, None, "not in the table")
    if record.state != "done":
        return Picture(row, column, None, _REASONS[record.state])
    path: Path = record.folder.path / "artifacts" / name
    return Picture(row, column, path) if path.is_file() else Picture(row, column, None, "no file")
