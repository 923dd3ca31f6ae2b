"""Merging what lies beside a scale's trials: the seals of the spec, and the one second stage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from repro.files import make_directory, read_json, read_json_lines, write_json, write_json_lines
from repro.merge.copying import UnusableError, read_lines
from repro.merge.outcome import WRITES, Outcome, Prefer
from repro.paths import ResultPaths


def merge_run_files(
    theirs: ResultPaths, ours: ResultPaths, prefer: Prefer, *, dry_run: bool
) -> Iterator[Outcome]:
    """Merge the seals and the second stage of one paper at one scale; yield what became of each."""
    where = f"{theirs.paper}/{theirs.scale}"
    for path, target, merge in (
        (theirs.seal, ours.seal, _merge_seals),
        (theirs.second_stage, ours.second_stage, _merge_stage),
    ):
        place = f"{where}/{path.name}"
        try:
            if path.exists():
                yield merge(place, path, target, prefer, dry_run=dry_run)
        except UnusableError as problem:
            yield Outcome(place, problem.action, problem.reason)


def _merge_seals(place: str, theirs: Path, ours: Path, _: Prefer, *, dry_run: bool) -> Outcome:
    """Add the lines of ``theirs`` that ``ours`` lacks, all in the order of their time.

    What the other machine wrote down before its trials ran must stay known with the trials.
    """
    mine = read_json_lines(ours)
    brought = [line for line in read_lines(theirs) if line not in mine]
    if not brought:
        return Outcome(place, "equal")
    if not dry_run:
        make_directory(ours.parent)
        write_json_lines(ours, sorted(mine + brought, key=lambda line: str(line.get("time"))))
    return Outcome(place, "brought")


def _merge_stage(place: str, theirs: Path, ours: Path, prefer: Prefer, *, dry_run: bool) -> Outcome:
    brought, mine = read_json(theirs), read_json(ours)
    if brought is None:
        raise UnusableError("damaged", "is no valid JSON")
    if brought == mine:
        return Outcome(place, "equal")
    detail = "the two machines planned different second stages"
    outcome = Outcome(place, "brought")
    if mine is not None:
        outcome = Outcome(place, "replaced" if prefer == "theirs" else "different", detail)
    if outcome.action in WRITES and not dry_run:
        make_directory(ours.parent)
        write_json(ours, brought)
    return outcome
