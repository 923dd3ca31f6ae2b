"""Running one trial: claim it, resume or start it, write its result or its error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from repro.context import RunContext
from repro.errors import Interrupted
from repro.execution.failure import disk_problem, ends_for_good, write_exception
from repro.files import read_json, write_json
from repro.spec.signatures import import_name
from repro.trials import provenance
from repro.trials.attempts import LOST, finish_attempt, now, start_attempt
from repro.trials.fingerprint import Fingerprint, code_fingerprint, environment, what_moved
from repro.trials.heartbeat import beating
from repro.trials.lock import is_ours, release, try_claim
from repro.trials.store import (
    TrialFolder,
    clear,
    kept_curves,
    load_trial,
    read_record,
    remove_leftovers,
)
from repro.trials.trial import Trial

#: How a run ended: with an outcome; without one, to go on another time (``interrupted``) or at once
#: (``again``); not begun, because another process has the trial (``claimed``) or ended it
#: (``skipped``); taken over by another process, because this one seemed dead (``superseded``).
Outcome = Literal["done", "failed", "interrupted", "again", "claimed", "skipped", "superseded"]


@dataclass(frozen=True)
class RunOrder:
    """What a launcher says of a run.

    ``again``        run from the start whatever the outcome was. An earlier result stays, with its
                     curves, until a new one is written over it
    ``replaced``     when the result was finished that this run is to replace, empty for none: any
                     other outcome came after the order, and the trial is left alone. ``None``: only
                     an outcome of the present code counts
    ``should_stop``  asked at each checkpoint
    ``earlier``      why an attempt ended that its process left open
    """

    again: bool = False
    replaced: str | None = None
    should_stop: Callable[[], bool] = lambda: False
    earlier: str = LOST


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


def run_trial(folder: TrialFolder, order: RunOrder = RunOrder()) -> Outcome:
    """Run the trial of ``folder``, unless another process has it or it has an outcome already.

    An exception of the task or the method ends in ``error.json``, never in the caller. To run a
    failed trial again, remove that file first (:func:`repro.trials.store.forget_failure`).
    """
    if not try_claim(folder.claim, folder.heartbeat):
        return "claimed"
    try:
        remove_leftovers(folder)
        trial = load_trial(folder)
        if order.again:
            return _attempt_again(folder, trial, order)
        if has_outcome(folder, trial, order.replaced):
            return "skipped"
        return run_attempt(folder, trial, order)
    finally:
        release(folder.claim)


def has_outcome(folder: TrialFolder, trial: Trial, replaced: str | None) -> bool:
    """Say whether the trial ended, well or badly, since it was ordered: workers share a list."""
    record = read_record(trial, folder)
    if record.state not in ("done", "failed"):
        return False
    if replaced is not None and (record.error or record.result.get("finished") != replaced):
        return True
    present = code_fingerprint([trial.setting.task, trial.setting.use])
    return not what_moved((record.result or record.error).get("fingerprint", {}), present)


def _attempt_again(folder: TrialFolder, trial: Trial, order: RunOrder) -> Outcome:
    with kept_curves(folder) as renewed:
        outcome = run_attempt(folder, trial, order)
        if outcome == "done":
            renewed()
    return outcome


def run_attempt(folder: TrialFolder, trial: Trial, order: RunOrder) -> Outcome:
    """Run a trial that this process has claimed."""
    start_attempt(folder.attempts, order.earlier)
    with beating(folder.heartbeat) as heartbeat:
        context = context_of(folder, trial)
        context.heartbeat = heartbeat
        context.should_stop = lambda: order.should_stop() or not is_ours(folder.claim)
        outcome, reason = _run(folder, trial, context, again=order.again)
    if outcome != "superseded":
        finish_attempt(folder.attempts, reason, failed=outcome == "failed")
    return outcome


def _run(
    folder: TrialFolder, trial: Trial, context: RunContext, *, again: bool
) -> tuple[Outcome, str]:
    fingerprint = code_fingerprint([trial.setting.task, trial.setting.use])
    try:
        code = load_code(trial.setting.task, trial.setting.use)
        fingerprint = code.fingerprint
        resume_or_clear(folder, what_ran(fingerprint, context), fingerprint, again=again)
        metrics = _metrics(trial, code, context)
    except (Interrupted, KeyboardInterrupt) as word:
        return _ours(folder, "interrupted"), f"interrupted: {str(word) or 'told to stop'}"
    except Exception as error:  # anything that a paper's code may raise becomes the trial's error
        return _ended_by(folder, error, fingerprint)
    if not is_ours(folder.claim):
        return "superseded", ""
    write_result(folder, metrics, context, fingerprint)
    return "done", "done"


def _ended_by(folder: TrialFolder, error: Exception, code: Fingerprint) -> tuple[Outcome, str]:
    """Say what follows from an exception. A full disk is no fault of the trial: it is raised."""
    problem = disk_problem(error)
    if problem:
        with contextlib.suppress(Exception):  # there may be no room for this line either
            finish_attempt(folder.attempts, f"disk: {problem}")
        raise problem from error
    if not is_ours(folder.claim):
        return "superseded", ""
    for_good, reason = ends_for_good(folder, error)
    if for_good:
        write_exception(folder, error, code)
    return ("failed" if for_good else "again"), reason


def _ours(folder: TrialFolder, outcome: Outcome) -> Outcome:
    return outcome if is_ours(folder.claim) else "superseded"


def write_result(
    folder: TrialFolder,
    metrics: dict[str, float],
    context: RunContext,
    code: Fingerprint,
    together: int = 1,
) -> None:
    """Write ``result.json``. Of ``together`` trials that ran as one, each has its share of time."""
    result = {
        "metrics": metrics,
        "cost": _cost(context, together),
        "fingerprint": what_ran(code, context),
        "data": context.data_hashes,
        "finished": now(),
        "resumed_from": context.resumed_from,
        **provenance.where(),
    }
    write_json(folder.result, result)
    folder.error.unlink(missing_ok=True)
    folder.checkpoint.unlink(missing_ok=True)


def context_of(folder: TrialFolder, trial: Trial) -> RunContext:
    """Return what the trial gets from the harness."""
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


def resume_or_clear(
    folder: TrialFolder, stored: dict[str, Any], present: Fingerprint, *, again: bool
) -> None:
    """Keep the checkpoint of an unfinished run of the same code; otherwise start afresh."""
    begun = read_json(folder.started)
    finished = folder.result.exists() or folder.error.exists()
    if again or begun is None or finished or what_moved(begun, present):
        clear(folder, keep_result=again)
        write_json(folder.started, stored)


def _metrics(trial: Trial, code: Code, context: RunContext) -> dict[str, float]:
    with one_thread():
        task = code.task(**trial.setting.task_settings)
        method = code.method(**trial.setting.params)
        metrics: dict[str, float] = task.run(method, context)
    return checked_metrics(metrics, trial.setting.task)


def checked_metrics(metrics: dict[str, float], task: str) -> dict[str, float]:
    """Return a task's metrics as plain numbers. Raises ``ValueError`` where there are none."""
    if not metrics:
        raise ValueError(f"{task}.run returned no metrics")
    return {name: float(value) for name, value in metrics.items()}


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
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


def what_ran(fingerprint: Fingerprint, context: RunContext) -> dict[str, Any]:
    """Return the code, environment, artefacts and data that a result rests on."""
    return {
        "files": fingerprint.files,
        "environment": environment(fingerprint.packages),
        "artifacts": context.artifacts_used,
        "data": context.unverified_data,
    }


def _cost(context: RunContext, together: int) -> dict[str, Any]:
    cost = {
        "wall_seconds": context.elapsed_seconds() / together,
        "peak_memory_bytes": provenance.peak_memory_bytes(),
        "cuda_peak_memory_bytes": provenance.cuda_peak_memory_bytes(),
        "device": provenance.device_name(context.device),
        "parameters": context.counts.get("parameters"),
        "samples_seen": context.counts.get("samples_seen"),
    }
    return cost | ({"shared_by": together} if together > 1 else {})
