"""Trials that differ in their seed alone, run together where their task can: its ``run_batch``.

Each keeps its own folder, claim, attempts, curves and result; what one trial cost is its share of
what they cost together, and is marked so. Where a batch fails, its trials are run one by one, so
that an error is the error of the trial that has it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repro.context import RunContext
from repro.errors import Interrupted, UserError
from repro.execution.failure import disk_problem
from repro.execution.single import (
    Code,
    Outcome,
    RunOrder,
    checked_metrics,
    context_of,
    has_outcome,
    load_code,
    one_thread,
    resume_or_clear,
    run_attempt,
    run_trial,
    what_ran,
    write_result,
)
from repro.files import canonical_json
from repro.spec.signatures import import_name
from repro.trials.attempts import finish_attempt, read_attempts, start_attempt
from repro.trials.heartbeat import beating
from repro.trials.lock import is_ours, release, try_claim
from repro.trials.store import TrialFolder, load_trial, remove_leftovers
from repro.trials.trial import Trial

#: More trials than this are not run together: memory grows with each, and all wait for the last.
MOST_TOGETHER = 64

_FAILED = "again: in a batch"
#: How an attempt ended after which a trial runs alone: another one may be what is wrong.
_NOT_AGAIN = (_FAILED, "killed", "out of memory")


@dataclass(frozen=True)
class _Begun:
    """A trial of a batch that this process has claimed."""

    folder: TrialFolder
    trial: Trial
    order: RunOrder


def setting_key(folder: TrialFolder) -> str:
    """Return what trials share that may run together; empty where a trial runs alone.

    That is where its task has no ``run_batch``, where the task cannot be imported (its error will
    be the trial's own), and after a batch with the trial that did not end.
    """
    attempts = read_attempts(folder.attempts)
    if attempts and str(attempts[-1]["reason"]).startswith(_NOT_AGAIN):
        return ""
    try:
        trial = load_trial(folder)
        return _key(trial, load_code(trial.setting.task, trial.setting.use).task)
    except (UserError, FileNotFoundError, ImportError):
        return ""


def seedless_key(trial: Trial) -> str:
    """Return what a trial shares with other seeds of its setting; empty without ``run_batch``."""
    return _key(trial, import_name(trial.setting.task, "task"))


def _key(trial: Trial, task: Any) -> str:
    if not callable(getattr(task, "run_batch", None)):
        return ""
    return canonical_json({k: v for k, v in trial.identity.items() if k != "seed"})


def run_together(folders: Sequence[TrialFolder], orders: Sequence[RunOrder]) -> list[Outcome]:
    """Run trials of one setting, as far as they are to be had; return the outcome of each."""
    if len(folders) == 1:
        return [run_trial(folders[0], orders[0])]
    outcomes: dict[Path, Outcome] = {}
    begun: list[_Begun] = []
    with contextlib.ExitStack() as claims:
        for folder, order in zip(folders, orders, strict=True):
            if not try_claim(folder.claim, folder.heartbeat):
                if not begun:
                    # Another worker is about to take them all: two would tear the batch apart.
                    return ["claimed"] * len(folders)
                outcomes[folder.path] = "claimed"
                continue
            claims.callback(release, folder.claim)
            remove_leftovers(folder)
            trial = load_trial(folder)
            if has_outcome(folder, trial, order.replaced):
                outcomes[folder.path] = "skipped"
                continue
            begun.append(_Begun(folder, trial, order))
        outcomes |= _run_claimed(begun)
    return [outcomes[folder.path] for folder in folders]


def _run_claimed(begun: Sequence[_Begun]) -> dict[Path, Outcome]:
    found = _run_batch(begun) if len(begun) > 1 else None
    if found is not None:
        return found
    outcomes: dict[Path, Outcome] = {}
    for one in begun:
        outcomes[one.folder.path] = run_attempt(one.folder, one.trial, one.order)
        if outcomes[one.folder.path] == "interrupted":
            rest = [other for other in begun if other.folder.path not in outcomes]
            return outcomes | {other.folder.path: "interrupted" for other in rest}
    return outcomes


def _run_batch(begun: Sequence[_Begun]) -> dict[Path, Outcome] | None:
    """Run trials as one; ``None`` where that failed, and each has to be run by itself."""
    setting = begun[0].trial.setting
    try:
        code = load_code(setting.task, setting.use)
    except Exception:
        return None
    with contextlib.ExitStack() as beats:
        for one in begun:
            start_attempt(one.folder.attempts, one.order.earlier)
        contexts = [_context(one, begun, beats) for one in begun]
        try:
            for one, context in zip(begun, contexts, strict=True):
                ran = what_ran(code.fingerprint, context)
                resume_or_clear(one.folder, ran, code.fingerprint, again=False)
            metrics = _metrics(begun[0].trial, code, contexts)
        except (Interrupted, KeyboardInterrupt) as word:
            return _ended(begun, "interrupted", f"interrupted: {str(word) or 'told to stop'}")
        except Exception as error:  # anything that a paper's code may raise
            _close(error, begun)
            return None
        return {
            one.folder.path: _written(one, found, context, code, len(begun))
            for one, found, context in zip(begun, metrics, contexts, strict=True)
        }


def _context(one: _Begun, begun: Sequence[_Begun], beats: contextlib.ExitStack) -> RunContext:
    context = context_of(one.folder, one.trial)
    context.heartbeat = beats.enter_context(beating(one.folder.heartbeat))
    context.should_stop = _stop_of(begun)
    return context


def _stop_of(begun: Sequence[_Begun]) -> Callable[[], bool]:
    """A batch stops where it is told to, and where none of its trials is ours any more."""
    return lambda: (
        begun[0].order.should_stop() or not any(is_ours(one.folder.claim) for one in begun)
    )


def _metrics(trial: Trial, code: Code, contexts: Sequence[RunContext]) -> list[dict[str, float]]:
    with one_thread():
        task = code.task(**trial.setting.task_settings)
        method = code.method(**trial.setting.params)
        metrics: list[dict[str, Any]] = task.run_batch(method, contexts)
    if len(metrics) != len(contexts):
        count = f"{len(metrics)} results for {len(contexts)} trials"
        raise ValueError(f"{trial.setting.task}.run_batch returned {count}")
    return [checked_metrics(one, trial.setting.task) for one in metrics]


def _close(error: Exception, begun: Sequence[_Begun]) -> None:
    """Close the attempts of a batch that failed. A full disk is no fault of the trials: raised."""
    problem = disk_problem(error)
    kind = f"{type(error).__name__}: {error}"
    reason = f"disk: {problem}" if problem else f"{_FAILED} of {len(begun)}, {kind}"
    for one in begun:
        with contextlib.suppress(Exception):  # there may be no room for this line either
            finish_attempt(one.folder.attempts, reason)
    if problem:
        raise problem from error


def _written(
    one: _Begun, metrics: dict[str, float], context: RunContext, code: Code, together: int
) -> Outcome:
    if not is_ours(one.folder.claim):
        return "superseded"
    write_result(one.folder, metrics, context, code.fingerprint, together)
    finish_attempt(one.folder.attempts, "done")
    return "done"


def _ended(begun: Sequence[_Begun], outcome: Outcome, reason: str) -> dict[Path, Outcome]:
    for one in begun:
        if is_ours(one.folder.claim):
            finish_attempt(one.folder.attempts, reason)
    return {one.folder.path: outcome for one in begun}
