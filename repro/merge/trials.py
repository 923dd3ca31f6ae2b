"""Merging one trial: which of the two outcomes stands, and putting it in place under the claim."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from repro.files import read_json, sha256_of_json
from repro.merge.copying import UnusableError, install_new, install_over, read_lines, staged
from repro.merge.outcome import WRITES, Action, Outcome, Prefer
from repro.trials.attempts import join_attempts
from repro.trials.fingerprint import moved
from repro.trials.lock import is_held, release, try_claim
from repro.trials.store import TrialFolder, TrialRecord, clear, load_trial, read_record
from repro.trials.trial import CONTRACT, Trial

#: Files of a process, not of an outcome. A checkpoint is a pickle: it runs code when it is read.
_LEFT_OUT = ("claim", "heartbeat.json", "checkpoint.pickle")
_STAYS = ("claim", "heartbeat.json")


def merge_trial(
    theirs: TrialFolder, trials: Path, place: str, prefer: Prefer, *, dry_run: bool
) -> Outcome:
    """Merge the folder ``theirs`` into the folder ``trials``; return what became of it.

    ``place``  how the trial is called where its own files do not say
    """
    try:
        record = read_theirs(theirs, theirs.path.name)
        place = _place(place, record.trial)
        ours = TrialFolder(trials / theirs.path.name)
        if is_held(theirs.claim, theirs.heartbeat):
            return Outcome(place, "running", "there; bring it again when it has ended")
        if record.state not in ("done", "failed"):
            return Outcome(place, "unfinished")
        if is_held(ours.claim, ours.heartbeat):
            return Outcome(place, "running", "here")
        outcome = _decision(place, record, ours, prefer)
        if outcome.action not in WRITES or dry_run:
            return outcome
        return _bring(place, record, ours, prefer)
    except UnusableError as problem:
        return Outcome(place, problem.action, problem.reason)


def read_theirs(folder: TrialFolder, trial_id: str) -> TrialRecord:
    """Return what a brought folder holds. ``UnusableError``: it is damaged or another trial's."""
    try:
        record = read_record(_trial(folder, trial_id), folder)
        _check_outcome(record)
        read_lines(folder.attempts)
        read_lines(folder.curves)
    except OSError as error:
        name = Path(str(error.filename)).name
        raise UnusableError("damaged", f"{name} cannot be read ({error.strerror})") from error
    return record


def differences(theirs: dict[str, Any], ours: dict[str, Any]) -> list[str]:
    """Return in words what two results differ in; what a run costs and where it ran do not count.

    NaN equals NaN: a run that diverges twice gave the same result twice.
    """
    return list(_differences(theirs, ours))


def _trial(folder: TrialFolder, trial_id: str) -> Trial:
    content = read_json(folder.trial)
    if content is None:
        raise UnusableError("damaged", "trial.json is missing or no valid JSON")
    if sha256_of_json(content.get("identity"))[:32] != trial_id:
        raise UnusableError(
            "refused", "trial.json describes another trial than the folder's name says"
        )
    try:
        trial = load_trial(folder)
    except (KeyError, TypeError) as error:
        raise UnusableError("damaged", "trial.json does not say what the trial is") from error
    if trial.trial_id != trial_id:
        contract = content["identity"].get("contract")
        if contract != CONTRACT:
            raise UnusableError(
                "refused", f"is of contract {contract}; this harness has {CONTRACT}"
            )
        raise UnusableError("refused", "trial.json contradicts itself on what the trial is")
    return trial


def _check_outcome(record: TrialRecord) -> None:
    """Refuse an outcome's file that is there and does not count: ours would be blamed for it."""
    folder = record.folder
    if record.state != "done" and folder.result.exists():
        raise UnusableError("damaged", "result.json is cut short or not this harness's")
    if record.state not in ("done", "failed") and folder.error.exists():
        raise UnusableError("damaged", "error.json is cut short or not this harness's")


def _decision(place: str, theirs: TrialRecord, ours: TrialFolder, prefer: Prefer) -> Outcome:
    """Say what is to become of a trial that has an outcome there, by what there is here."""
    mine = read_record(theirs.trial, ours)
    if theirs.state == "failed":
        return Outcome(place, "kept" if mine.state in ("done", "failed") else "brought")
    if mine.state != "done":
        return Outcome(place, "brought")
    differing = differences(theirs.result, mine.result)
    if not differing:
        return Outcome(place, "equal")
    action: Action = "replaced" if prefer == "theirs" else "different"
    return Outcome(place, action, "; ".join(differing))


def _bring(place: str, theirs: TrialRecord, ours: TrialFolder, prefer: Prefer) -> Outcome:
    trial_id = theirs.trial.trial_id
    with staged(theirs.folder.path, ours.path.parent, _LEFT_OUT) as path:
        copy = TrialFolder(path)
        if read_theirs(copy, trial_id).state != theirs.state:
            raise UnusableError("damaged", "changed while it was copied: run the command again")
        if not ours.path.exists() and install_new(copy.path, ours.path):
            return Outcome(place, "brought")
        if not try_claim(ours.claim, ours.heartbeat):
            return Outcome(place, "running", "here")
        try:
            # Ours may have ended since the first look. Now that it is claimed, nobody changes it.
            outcome = _decision(place, theirs, ours, prefer)
            if outcome.action in WRITES:
                _install(copy, ours, theirs.state)
            return outcome
        finally:
            release(ours.claim)


def _install(copy: TrialFolder, ours: TrialFolder, state: str) -> None:
    join_attempts(copy.attempts, ours.attempts)
    clear(ours)
    last = copy.result if state == "done" else copy.error
    install_over(copy.path, ours.path, last.name, _STAYS)


def _differences(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    here, there = (_written(result["metrics"]) for result in (ours, theirs))
    for name in moved(here, there):
        yield f"{name} is {here.get(name, 'missing')} here, {there.get(name, 'missing')} there"
    prints = [result.get("fingerprint", {}) for result in (theirs, ours)]
    for title, key in (
        ("code", "files"),
        ("environment", "environment"),
        ("artefact", "artifacts"),
    ):
        names = moved(*(_written(entry.get(key, {})) for entry in prints))
        if names:
            yield f"other {title}: {', '.join(names)}"
    names = moved(*(_written(result.get("data", {})) for result in (theirs, ours)))
    if names:
        yield f"other data: {', '.join(names)}"


def _written(values: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}


def _place(where: str, trial: Trial) -> str:
    setting = trial.setting
    scale = where.rpartition("/trials/")[0]
    parts = [f"{scale} {setting.dataset}/{setting.method}", setting.variant, f"seed {trial.seed}"]
    return f"{' '.join(part for part in parts if part)} ({trial.trial_id[:8]})"
