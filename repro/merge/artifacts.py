"""Merging one artefact: a built one goes to where none is built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from repro.files import make_directory, read_json
from repro.merge.copying import UnusableError, install_new, install_over, staged
from repro.merge.outcome import WRITES, Outcome, Prefer
from repro.trials.artifact import key_of
from repro.trials.attempts import join_attempts
from repro.trials.lock import is_held, release, try_claim

RECORD = "artifact.json"
_LEFT_OUT = ("heartbeat.json", "unfinished")
_STAYS = ("heartbeat.json",)


def merge_artifact(theirs: Path, ours: Path, prefer: Prefer, *, dry_run: bool) -> Outcome:
    """Merge the artefact's folder ``theirs`` into ``ours``; return what became of it."""
    place = f"artefact {theirs.parent.name}/{theirs.name}"
    try:
        if _is_building(theirs):
            return Outcome(place, "running", "there; bring it again when it is built")
        if not (theirs / RECORD).exists():
            return Outcome(place, "unfinished")
        record = _read(theirs, theirs)
        if _is_building(ours):
            return Outcome(place, "running", "here")
        outcome = _decision(place, record, ours, prefer)
        if outcome.action not in WRITES or dry_run:
            return outcome
        return _bring(place, theirs, ours, prefer)
    except UnusableError as problem:
        return Outcome(place, problem.action, problem.reason)


def _is_building(folder: Path) -> bool:
    return is_held(folder.with_suffix(".claim"), folder / "heartbeat.json")


def _read(folder: Path, named: Path) -> dict[str, Any]:
    """Return the record in ``folder``. ``UnusableError``: not what the path ``named`` says."""
    record = read_json(folder / RECORD)
    if record is None or not {"builder", "settings", "code"} <= record.keys():
        raise UnusableError("damaged", f"{RECORD} is cut short or not this harness's")
    if not (folder / "content").is_dir():
        raise UnusableError("damaged", "there is no content beside its record")
    builder = str(record["builder"])
    right_key = key_of(builder, record["settings"]) == named.name
    if not right_key or not f".{builder}".endswith(f".{named.parent.name}"):
        raise UnusableError(
            "refused", f"{RECORD} describes another artefact than the folder's name"
        )
    return record


def _decision(place: str, theirs: dict[str, Any], ours: Path, prefer: Prefer) -> Outcome:
    record = read_json(ours / RECORD)
    if record is None:
        return Outcome(place, "brought")
    if record.get("code") == theirs["code"]:
        return Outcome(place, "equal")
    detail = "was built by other code"
    return Outcome(place, "replaced" if prefer == "theirs" else "different", detail)


def _bring(place: str, theirs: Path, ours: Path, prefer: Prefer) -> Outcome:
    make_directory(ours.parent)
    claim = ours.with_suffix(".claim")
    with staged(theirs, ours.parent, _LEFT_OUT) as copy:
        record = _read(copy, ours)
        if not try_claim(claim, ours / "heartbeat.json"):
            return Outcome(place, "running", "here")
        try:
            outcome = _decision(place, record, ours, prefer)
            if outcome.action in WRITES:
                _install(copy, ours)
            return outcome
        finally:
            release(claim)


def _install(copy: Path, ours: Path) -> None:
    if not ours.exists() and install_new(copy, ours):
        return
    join_attempts(copy / "attempts.jsonl", ours / "attempts.jsonl")
    (ours / RECORD).unlink(missing_ok=True)
    install_over(copy, ours, RECORD, _STAYS)
