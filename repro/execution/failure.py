"""What is written of a trial that failed, and which exceptions fail it for good."""

from __future__ import annotations

import errno
import traceback
from pathlib import Path
from typing import Any

from repro.errors import UserError
from repro.execution.retry import failure, may_go_on
from repro.files import explained, read_json, write_json
from repro.trials import provenance
from repro.trials.attempts import finish_attempt, mark_failed, read_attempts
from repro.trials.fingerprint import Fingerprint, code_fingerprint, environment
from repro.trials.lock import release, try_claim
from repro.trials.store import TrialFolder, load_trial

#: Errors of the disk, which hit whichever trial comes by: no fault of the trial's.
_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})


def write_failure(
    folder: TrialFolder, kind: str, message: str, code: dict[str, Any], trace: str = ""
) -> None:
    """Write ``error.json``: what went wrong, and with which code (``files``, ``environment``)."""
    content: dict[str, Any] = {"type": kind, "message": message, "traceback": trace}
    write_json(folder.error, content | {"fingerprint": code} | provenance.where())


def write_exception(folder: TrialFolder, error: Exception, code: Fingerprint) -> None:
    """Write ``error.json`` for an exception. What the user can mend needs no traceback."""
    kind = type(error).__name__
    trace = "" if isinstance(error, UserError) else traceback.format_exc()
    write_failure(folder, kind, _message(folder, error), _content_of(code), trace)


def ends_for_good(folder: TrialFolder, error: Exception) -> tuple[bool, str]:
    """Say whether an exception fails the trial, and the reason for its attempt.

    Too little memory is forgiven once: another process may have had it.
    """
    if not _is_memory(error):
        return True, f"exception: {type(error).__name__}: {error}"
    reason = f"out of memory: {error}"
    return not may_go_on([*read_attempts(folder.attempts)[:-1], {"reason": reason}]), reason


def end_attempt(folder: TrialFolder, reason: str) -> bool:
    """Close the attempt that a trial's dead process left open; say whether the trial may go on.

    One that may not gets its ``error.json``. A trial that another process has by now is left alone,
    and so is one with an outcome.
    """
    if not try_claim(folder.claim, folder.heartbeat):
        return False
    try:
        if folder.error.exists():
            return False
        finish_attempt(folder.attempts, reason)
        attempts = read_attempts(folder.attempts)
        if may_go_on(attempts):
            return True
        write_failure(folder, *failure(attempts), _code_that_ran(folder))
        mark_failed(folder.attempts)
        return False
    finally:
        release(folder.claim)


def disk_problem(error: BaseException) -> UserError | None:
    """Return what to tell the user of a full or read-only disk; ``None`` for any other error."""
    cause = error.__cause__ if isinstance(error, UserError) else error
    if not isinstance(cause, OSError) or cause.errno not in _DISK:
        return None
    if isinstance(error, UserError):
        return error
    try:
        with explained(Path(cause.filename or "the results")):
            raise cause
    except UserError as problem:
        return problem


def _code_that_ran(folder: TrialFolder) -> dict[str, Any]:
    """Return the code that the last run began with, which need not be the present one."""
    begun = read_json(folder.started)
    if begun and {"files", "environment"} <= begun.keys():
        return {"files": begun["files"], "environment": begun["environment"]}
    setting = load_trial(folder).setting
    return _content_of(code_fingerprint([setting.task, setting.use]))


def _content_of(code: Fingerprint) -> dict[str, Any]:
    return {"files": code.files, "environment": environment(code.packages)}


def _is_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or "out of memory" in str(error).lower()


def _message(folder: TrialFolder, error: Exception) -> str:
    text = str(error) or type(error).__name__
    if not _is_memory(error):
        return text
    attempts = [*read_attempts(folder.attempts)[:-1], {"reason": f"out of memory: {text}"}]
    return failure(attempts)[1]
