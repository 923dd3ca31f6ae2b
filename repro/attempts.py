"""The log of a trial's attempts: one line each, with who ran it, when, and how it ended."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repro.files import read_json_lines, write_json_lines


def now() -> str:
    """Return the present time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def start_attempt(path: Path) -> None:
    """Add a line for an attempt of this process. An earlier line left open is closed as lost."""
    attempts = _closed(read_json_lines(path), "lost: the process ended without a word")
    attempts.append(
        {
            "job": _job_id(),
            "host": socket.gethostname(),
            "gpu": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
            "pid": os.getpid(),
            "start": now(),
            "end": None,
            "reason": None,
        }
    )
    write_json_lines(path, attempts)


def finish_attempt(path: Path, reason: str) -> None:
    """Close the open line with the present time and ``reason``."""
    write_json_lines(path, _closed(read_json_lines(path), reason))


def read_attempts(path: Path) -> list[dict[str, Any]]:
    """Return the attempts, oldest first."""
    return read_json_lines(path)


def join_attempts(path: Path, other: Path) -> None:
    """Add to ``path`` the attempts of ``other`` that it lacks, all in the order of their start."""
    mine = read_json_lines(path)
    attempts = mine + [attempt for attempt in read_json_lines(other) if attempt not in mine]
    write_json_lines(path, sorted(attempts, key=lambda attempt: str(attempt.get("start"))))


def _closed(attempts: list[dict[str, Any]], reason: str) -> list[dict[str, Any]]:
    return [a if a["end"] else a | {"end": now(), "reason": reason} for a in attempts]


def _job_id() -> str:
    for name in ("SLURM_ARRAY_JOB_ID", "SLURM_JOB_ID", "SUBMITIT_LOCAL_JOB_ID"):
        if name in os.environ:
            task = os.environ.get("SLURM_ARRAY_TASK_ID")
            return os.environ[name] + (f"_{task}" if task else "")
    return ""
