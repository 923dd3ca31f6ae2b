"""The verb `merge`: results brought from another machine go into this results folder.

What is finished there fills what is not finished here. What is finished on both sides and differs
stays as it is here, unless the user prefers theirs. Nothing is deleted there, and what a living
process has is left alone. Merges take turns; a merge that was killed is finished by the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from repro.errors import UserError
from repro.files import make_directory
from repro.merge.artifacts import merge_artifact
from repro.merge.outcome import MergeSummary, Outcome, Prefer, merge_text
from repro.merge.run_files import merge_run_files
from repro.merge.trials import merge_trial
from repro.paths import ResultPaths
from repro.trials.heartbeat import beating
from repro.trials.lock import claimed
from repro.trials.store import TrialFolder

__all__ = ["MergeSummary", "Outcome", "Prefer", "merge", "merge_text"]


def merge(source: Path, results: Path, *, prefer: Prefer, dry_run: bool) -> MergeSummary:
    """Merge the results folder ``source`` into ``results``; with ``dry_run`` write nothing.

    ``source`` is laid out as ``results`` is: ``<paper>/<scale>/trials/…`` and ``artifacts/…``.
    A ``source`` that is no such folder, or a place that cannot be written: ``UserError``.
    """
    _check_source(source, results)
    if dry_run:
        return _merge(source, results, prefer, dry_run=True)
    make_directory(results)
    beat = results / "merge.heartbeat.json"
    with claimed(results / "merge.claim", beat), beating(beat):
        return _merge(source, results, prefer, dry_run=False)


def _merge(source: Path, results: Path, prefer: Prefer, *, dry_run: bool) -> MergeSummary:
    # Artefacts first: a trial that is here with its artefact can be run again.
    artifacts = tuple(
        merge_artifact(
            folder,
            results / "artifacts" / folder.parent.name / folder.name,
            prefer,
            dry_run=dry_run,
        )
        for folder in _folders(source / "artifacts", depth=2)
    )
    trials: list[Outcome] = []
    run_files: list[Outcome] = []
    for theirs in _scales(source):
        ours = ResultPaths(results, theirs.paper, theirs.scale)
        run_files += merge_run_files(theirs, ours, prefer, dry_run=dry_run)
        trials += _merge_trials(theirs, ours, prefer, dry_run=dry_run)
    return MergeSummary(
        source, results, dry_run, tuple(trials), artifacts, run_files=tuple(run_files)
    )


def _merge_trials(
    theirs: ResultPaths, ours: ResultPaths, prefer: Prefer, *, dry_run: bool
) -> Iterator[Outcome]:
    if not dry_run:
        make_directory(ours.trials)
    for folder in _folders(theirs.trials, depth=1):
        place = f"{theirs.paper}/{theirs.scale}/trials/{folder.name}"
        yield merge_trial(TrialFolder(folder), ours.trials, place, prefer, dry_run=dry_run)


def _scales(source: Path) -> list[ResultPaths]:
    """Return the paths of every paper and scale of ``source`` that has trials."""
    return [
        ResultPaths(source, folder.parent.name, folder.name)
        for folder in _folders(source, depth=2)
        if (folder / "trials").is_dir()
    ]


def _folders(root: Path, *, depth: int) -> list[Path]:
    """Return the folders ``depth`` levels below ``root``, hidden ones left out."""
    level = [root]
    for _ in range(depth):
        found = (entry for folder in level for entry in folder.glob("*"))
        level = sorted(e for e in found if e.is_dir() and not e.name.startswith("."))
    return level


def _check_source(source: Path, results: Path) -> None:
    if source.is_file():
        raise UserError(f"SOURCE: {source} is a file: unpack it and name the results folder in it")
    if not source.is_dir():
        raise UserError(f"SOURCE: {source}: there is no such folder")
    if source.resolve() == results.resolve():
        raise UserError(f"SOURCE: {source} is the results folder itself")
    if not _scales(source) and not _folders(source / "artifacts", depth=2):
        raise UserError(
            f"SOURCE: {source} has no <paper>/<scale>/trials: name the results folder that has"
        )
