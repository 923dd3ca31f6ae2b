"""The log of a trial's attempts: one line each, with who ran it, when, and how it ended."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repro.files import read_json_lines, write_json_lines

#: Why an attempt ended of which nobody knows more.
LOST = "lost: the process ended without a word"


def now() -> str:
    """Return the present time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def start_attempt(path: Path, earlier: str = LOST) -> None:
    """Add a line for an attempt of this process. A line left open is closed with ``earlier``."""
    attempts = _closed(path, read_json_lines(path), earlier)
    attempts.append(
        {
            "job": job_id(),
            "host": socket.gethostname(),
            "node": os.environ.get("SLURMD_NODENAME", ""),
            "gpu": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
            "pid": os.getpid(),
            "start": now(),
            "end": None,
            "reason": None,
            "checkpoint": _checkpoint_stamp(path),
        }
    )
    write_json_lines(path, attempts)


def finish_attempt(path: Path, reason: str, *, failed: bool = False) -> None:
    """Close the open line with the present time and ``reason``; ``failed``: there will be no more.

    The line then says in ``advanced`` whether the attempt left a newer checkpoint than it found.
    """
    write_json_lines(path, _closed(path, read_json_lines(path), reason, failed=failed))


def amend_attempt(path: Path, reason: str, *, late: bool) -> None:
    """Say more exactly why the last attempt ended, which its own process could not know.

    ``late``  others had run before it in its job: it did not have the job's whole time
    """
    attempts = read_json_lines(path)
    if attempts:
        attempts = _closed(path, attempts, reason)
        attempts[-1] |= {"reason": reason, "late": late}
        write_json_lines(path, attempts)


def mark_failed(path: Path) -> None:
    """Note that the last attempt was the last one allowed."""
    attempts = read_json_lines(path)
    if attempts:
        attempts[-1]["failed"] = True
        write_json_lines(path, attempts)


def read_attempts(path: Path) -> list[dict[str, Any]]:
    """Return the attempts, oldest first."""
    return read_json_lines(path)


def join_attempts(path: Path, other: Path) -> None:
    """Add to ``path`` the attempts of ``other`` that it lacks, all in the order of their start."""
    mine = read_json_lines(path)
    attempts = mine + [attempt for attempt in read_json_lines(other) if attempt not in mine]
    write_json_lines(path, sorted(attempts, key=lambda attempt: str(attempt.get("start"))))


def job_id() -> str:
    """Return the job that this process runs in, ``12_3`` for a task of an array; else empty."""
    for name in ("SLURM_ARRAY_JOB_ID", "SLURM_JOB_ID", "SUBMITIT_LOCAL_JOB_ID"):
        if name in os.environ:
            task = os.environ.get("SLURM_ARRAY_TASK_ID")
            return os.environ[name] + (f"_{task}" if task else "")
    return ""


def _closed(
    path: Path, attempts: list[dict[str, Any]], reason: str, *, failed: bool = False
) -> list[dict[str, Any]]:
    ending: dict[str, Any] = {"end": now(), "reason": reason}
    if failed:
        ending["failed"] = True
    stamp = _checkpoint_stamp(path)
    return [
        a if a["end"] else a | ending | {"advanced": stamp not in (None, a.get("checkpoint"))}
        for a in attempts
    ]


def _checkpoint_stamp(path: Path) -> int | None:
    """Return when the checkpoint beside ``path`` was written (ns); ``None`` without one."""
    try:
        return path.with_name("checkpoint.pickle").stat().st_mtime_ns
    except FileNotFoundError:
        return None
