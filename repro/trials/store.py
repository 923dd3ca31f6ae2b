"""One trial's folder: what is written there, and what state it says the trial is in.

The files are the only truth::

    trial.json        what the trial is (its identity and display names)
    claim             who runs it now; heartbeat.json: that it still runs
    attempts.jsonl    one line per attempt
    metrics.jsonl     curves, as they come
    checkpoint.pickle the last state to resume from
    started.json      the fingerprint of the code that this run began with
    result.json       metrics, cost, fingerprint: the trial is done
    error.json        the traceback: the trial failed
    log.txt           what the trial printed
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from repro.files import make_directory, read_json, write_json
from repro.trials.heartbeat import Beat, read_beat
from repro.trials.trial import Setting, Trial

#: ``queued`` is what a cluster's queue says; the files alone call such a trial missing or lost.
State = Literal["missing", "queued", "running", "done", "failed", "stale", "lost"]


@dataclass(frozen=True)
class TrialFolder:
    """The paths inside one trial's folder."""

    path: Path

    @property
    def trial(self) -> Path:
        """What the trial is."""
        return self.path / "trial.json"

    @property
    def claim(self) -> Path:
        """Who runs the trial now."""
        return self.path / "claim"

    @property
    def heartbeat(self) -> Path:
        """That the trial still runs, and how far it is."""
        return self.path / "heartbeat.json"

    @property
    def attempts(self) -> Path:
        """One line per attempt."""
        return self.path / "attempts.jsonl"

    @property
    def curves(self) -> Path:
        """What the task logged."""
        return self.path / "metrics.jsonl"

    @property
    def checkpoint(self) -> Path:
        """The last state to resume from."""
        return self.path / "checkpoint.pickle"

    @property
    def started(self) -> Path:
        """The fingerprint of the code that this run began with."""
        return self.path / "started.json"

    @property
    def result(self) -> Path:
        """Metrics, cost and fingerprint of a trial that is done."""
        return self.path / "result.json"

    @property
    def error(self) -> Path:
        """The traceback of a trial that failed."""
        return self.path / "error.json"

    @property
    def log(self) -> Path:
        """What the trial printed."""
        return self.path / "log.txt"


@dataclass(frozen=True)
class TrialRecord:
    """A trial with what the store says of it.

    ``metrics``  name to value; empty unless the state is ``done`` or ``stale``
    ``cost``     ``wall_seconds``, ``peak_memory_bytes``, ``cuda_peak_memory_bytes``, ``device``,
                 ``parameters``, ``samples_seen``
    ``moved``    for a stale trial: the sources, packages or artefacts that have changed since
    ``error``    for a failed trial: ``type``, ``message``, ``traceback``
    ``result``   the whole of ``result.json``
    """

    trial: Trial
    folder: TrialFolder
    state: State
    metrics: dict[str, float] = field(default_factory=dict)
    cost: dict[str, Any] = field(default_factory=dict)
    moved: tuple[str, ...] = ()
    error: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=dict)
    beat: Beat | None = None


def create(trial: Trial, trials: Path) -> TrialFolder:
    """Make the trial's folder below ``trials`` and write what the trial is; return the folder."""
    folder = TrialFolder(trials / trial.trial_id)
    content: dict[str, Any] = {"trial_id": trial.trial_id, "identity": trial.identity}
    content |= {"seed": trial.seed, "setting": dataclasses.asdict(trial.setting)}
    # What stays out of the id, such as the path of a user's file, may have changed since.
    if read_json(folder.trial) != content:
        make_directory(folder.path)
        write_json(folder.trial, content, durable=False)
    return folder


def load_trial(folder: TrialFolder) -> Trial:
    """Return the trial that a folder is of. Raises ``FileNotFoundError`` where it is of none."""
    content = read_json(folder.trial)
    if content is None:
        raise FileNotFoundError(folder.trial)
    return Trial(Setting(**content["setting"]), content["seed"])


def clear(folder: TrialFolder, *, keep_result: bool = False) -> None:
    """Remove what an earlier attempt left, so that the trial runs again from the start.

    ``attempts.jsonl`` stays: it is the trial's history.
    """
    if not keep_result:
        folder.result.unlink(missing_ok=True)
    for path in (folder.error, folder.started):
        path.unlink(missing_ok=True)
    for path in (folder.checkpoint, folder.curves):
        path.unlink(missing_ok=True)
    if folder.log.exists():
        # Emptied, not removed: the trial's process is already writing to it.
        os.truncate(folder.log, 0)


@contextlib.contextmanager
def kept_curves(folder: TrialFolder) -> Iterator[Callable[[], None]]:
    """Set the curves of a result aside; put them back unless the block calls what it is given."""
    aside = folder.curves.with_name("metrics.earlier.jsonl")
    if folder.result.exists() and folder.curves.exists():
        folder.curves.replace(aside)
    try:
        yield lambda: aside.unlink(missing_ok=True)
    finally:
        if aside.exists():
            aside.replace(folder.curves)


def remove_leftovers(folder: TrialFolder) -> None:
    """Remove half-written files of a killed process. Only for the holder of the trial's claim."""
    for path in folder.path.glob(".*"):
        if not path.name.startswith(".claim"):  # other processes may be asking for the claim
            path.unlink(missing_ok=True)


def forget_failure(folder: TrialFolder) -> None:
    """Remove an error, so that the trial runs again; ``attempts.jsonl`` still tells of it."""
    folder.error.unlink(missing_ok=True)


def read_record(trial: Trial, folder: TrialFolder) -> TrialRecord:
    """Return what the files say of ``trial``, without a look at the code.

    A damaged ``result.json`` or ``error.json`` counts as none: the trial runs again.
    """
    result = read_json(folder.result)
    metrics = _metrics(result)
    if result is not None and metrics is not None:
        cost = result["cost"]
        return TrialRecord(trial, folder, "done", metrics=metrics, cost=cost, result=result)
    error = read_json(folder.error)
    if error is not None and {"message", "traceback", "fingerprint"} <= error.keys():
        return TrialRecord(trial, folder, "failed", error=error)
    owner = read_beat(folder.claim)
    if owner is None:
        state: State = "lost" if folder.attempts.exists() else "missing"
        return TrialRecord(trial, folder, state)
    beat = read_beat(folder.heartbeat) or owner
    return TrialRecord(trial, folder, "running" if beat.is_alive() else "lost", beat=beat)


def _metrics(result: dict[str, Any] | None) -> dict[str, float] | None:
    """Return a result's metrics, or ``None`` where the file is not what this harness writes."""
    if result is None or not isinstance(result.get("cost"), dict):
        return None
    try:
        return {name: float(value) for name, value in result["metrics"].items()}
    except (KeyError, AttributeError, TypeError, ValueError):
        return None
