"""Running one trial: claim it, resume or start it, write its result or its error."""

from __future__ import annotations

import contextlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from repro import provenance
from repro.attempts import finish_attempt, now, start_attempt
from repro.context import RunContext
from repro.errors import UserError
from repro.files import read_json, write_json
from repro.fingerprint import Fingerprint, code_fingerprint, environment
from repro.heartbeat import beating
from repro.lock import release, try_claim
from repro.plan import what_moved
from repro.spec.signatures import import_name
from repro.store import TrialFolder, clear, kept_curves, load_trial, read_record, remove_leftovers
from repro.trial import Trial

Outcome = Literal["done", "failed", "interrupted", "skipped"]


class Interrupted(BaseException):
    """The trial was told to stop: no failure, it goes on another time."""


@dataclass(frozen=True)
class Code:
    """A task's and a method's classes, with the fingerprint of the sources they came from."""

    task: Any
    method: Any
    fingerprint: Fingerprint


@cache
def load_code(task: str, use: str) -> Code:
    """Import a task and a method. The fingerprint is taken first, so it is of what is imported."""
    fingerprint = code_fingerprint([task, use])
    return Code(import_name(task, "task"), import_name(use, "method"), fingerprint)


def run_trial(folder: TrialFolder, *, again: bool = False) -> Outcome:
    """Run the trial of ``folder``, unless another process has it or its outcome is of this code.

    An exception of the task or the method ends in ``error.json``, never in the caller. To run a
    failed trial again, remove that file first (:func:`repro.store.forget_failure`).

    ``again``  run from the start whatever the outcome was. An earlier result stays, with its
               curves, until a new one is written over it
    """
    if not try_claim(folder.claim, folder.heartbeat):
        return "skipped"
    try:
        remove_leftovers(folder)
        trial = load_trial(folder)
        if again:
            return _attempt_again(folder, trial)
        if _has_outcome(folder, trial):
            return "skipped"
        return _attempt(folder, trial)
    finally:
        release(folder.claim)


def _has_outcome(folder: TrialFolder, trial: Trial) -> bool:
    """Say whether the trial ended with this code, well or badly: workers share a list."""
    record = read_record(trial, folder)
    if record.state not in ("done", "failed"):
        return False
    present = code_fingerprint([trial.setting.task, trial.setting.use])
    return not what_moved((record.result or record.error).get("fingerprint", {}), present)


def _attempt_again(folder: TrialFolder, trial: Trial) -> Outcome:
    with kept_curves(folder) as renewed:
        outcome = _attempt(folder, trial, again=True)
        if outcome == "done":
            renewed()
    return outcome


def _attempt(folder: TrialFolder, trial: Trial, *, again: bool = False) -> Outcome:
    start_attempt(folder.attempts)
    with beating(folder.heartbeat) as heartbeat:
        context = _context(folder, trial)
        context.heartbeat = heartbeat
        outcome, reason = _run(folder, trial, context, again=again)
    finish_attempt(folder.attempts, reason)
    return outcome


def _run(
    folder: TrialFolder, trial: Trial, context: RunContext, *, again: bool
) -> tuple[Outcome, str]:
    fingerprint = code_fingerprint([trial.setting.task, trial.setting.use])
    try:
        code = load_code(trial.setting.task, trial.setting.use)
        fingerprint = code.fingerprint
        _resume_or_clear(folder, _stored(fingerprint, context), fingerprint, again=again)
        metrics = _metrics(trial, code, context)
    except (Interrupted, KeyboardInterrupt):
        return "interrupted", "interrupted: told to stop"
    except Exception as error:  # anything that a paper's code may raise becomes the trial's error
        _write_error(folder, error, fingerprint)
        return "failed", _reason(error)
    write_json(
        folder.result,
        {
            "metrics": metrics,
            "cost": _cost(context),
            "fingerprint": _stored(fingerprint, context),
            "data": context.data_hashes,
            "finished": now(),
            "resumed_from": context.resumed_from,
            **provenance.where(),
        },
    )
    folder.error.unlink(missing_ok=True)
    folder.checkpoint.unlink(missing_ok=True)
    return "done", "done"


def _context(folder: TrialFolder, trial: Trial) -> RunContext:
    setting = trial.setting
    return RunContext(
        task=setting.task,
        dataset=setting.dataset,
        dataset_identity=setting.dataset_identity,
        trial_seed=trial.seed,
        directory=folder.path,
        artifact_root=artifact_root(folder),
    )


def artifact_root(folder: TrialFolder) -> Path:
    """Return the shared artefacts' folder: ``results/artifacts`` for a trial below ``results``."""
    return folder.path.parents[3] / "artifacts"


def _resume_or_clear(
    folder: TrialFolder, stored: dict[str, Any], present: Fingerprint, *, again: bool
) -> None:
    """Keep the checkpoint of an unfinished run of the same code; otherwise start afresh."""
    begun = read_json(folder.started)
    finished = folder.result.exists() or folder.error.exists()
    if again or begun is None or finished or what_moved(begun, present):
        clear(folder, keep_result=again)
        write_json(folder.started, stored)


def _metrics(trial: Trial, code: Code, context: RunContext) -> dict[str, float]:
    with _one_thread():
        task = code.task(**trial.setting.task_settings)
        method = code.method(**trial.setting.params)
        metrics = task.run(method, context)
    if not metrics:
        raise ValueError(f"{trial.setting.task}.run returned no metrics")
    return {name: float(value) for name, value in metrics.items()}


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Use one torch thread: several per process on shared cores are slower than one.

    torch is only touched where the task imported it.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _stored(fingerprint: Fingerprint, context: RunContext) -> dict[str, Any]:
    return {
        "files": fingerprint.files,
        "environment": environment(fingerprint.packages),
        "artifacts": context.artifacts_used,
        "data": context.unverified_data,
    }


def _cost(context: RunContext) -> dict[str, Any]:
    return {
        "wall_seconds": context.elapsed_seconds(),
        "peak_memory_bytes": provenance.peak_memory_bytes(),
        "cuda_peak_memory_bytes": provenance.cuda_peak_memory_bytes(),
        "device": provenance.device_name(context.device),
        "parameters": context.counts.get("parameters"),
        "samples_seen": context.counts.get("samples_seen"),
    }


def write_failure(
    folder: TrialFolder, kind: str, message: str, code: Fingerprint, trace: str = ""
) -> None:
    """Write ``error.json``: what went wrong, and with which code."""
    content: dict[str, Any] = {"type": kind, "message": message, "traceback": trace}
    content["fingerprint"] = {
        "files": code.files,
        "environment": environment(code.packages),
    }
    write_json(folder.error, content | provenance.where())


def _write_error(folder: TrialFolder, error: Exception, code: Fingerprint) -> None:
    kind = type(error).__name__
    trace = "" if isinstance(error, UserError) else traceback.format_exc()
    write_failure(folder, kind, str(error) or kind, code, trace)


def _reason(error: Exception) -> str:
    if isinstance(error, MemoryError) or "out of memory" in str(error).lower():
        return f"out of memory: {error}"
    return f"exception: {type(error).__name__}: {error}"
