"""Why a job ended, as the reason of an attempt: from its state, or from the words in its log."""

from __future__ import annotations

import os
import re
from pathlib import Path

#: A job's final state to the kind of reason. ``FAILED`` says nothing: the log may.
_KINDS = {
    "TIMEOUT": "time limit",
    "DEADLINE": "time limit",
    "NODE_FAIL": "node failure",
    "BOOT_FAIL": "node failure",
    "PREEMPTED": "preempted",
    "OUT_OF_MEMORY": "out of memory",
    "CANCELLED": "cancelled",
}

#: What SLURM's daemons and the kernel write into a job's log. The last of several starts counts.
_WORDS = (
    (
        re.compile(r"exceeded memory limit|oom[-_ ]kill|out of memory", re.IGNORECASE),
        "out of memory",
    ),
    (re.compile(r"DUE TO TIME LIMIT"), "time limit"),
    (re.compile(r"DUE TO PREEMPTION"), "preempted"),
    (re.compile(r"DUE TO NODE FAILURE"), "node failure"),
    (re.compile(r"DUE TO JOB REQUEUE"), "requeued"),
    # The daemons say this of every job that they end: it counts where nothing else is said.
    (re.compile(r"CANCELLED AT [^D]*\*\*\*"), "cancelled"),
)

#: How SLURM's own lines in a job's log begin.
_DAEMONS = ("srun:", "slurmstepd")

#: The last bytes of a log, where its end is told.
_TAIL = 20_000


def kind_of_state(state: str) -> str | None:
    """Return the kind of reason that a final state stands for; ``None`` where it does not say."""
    return _KINDS.get(state)


def kind_in_log(log: Path) -> str | None:
    """Return the kind of reason that the end of a job's log tells of, if any."""
    try:
        with log.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL))
            text = stream.read().decode("utf-8", "replace")
    except OSError:
        return None
    found = {kind: [match.start() for match in words.finditer(text)] for words, kind in _WORDS}
    told = {kind: places[-1] for kind, places in found.items() if places}
    if len(told) > 1:
        told.pop("cancelled", None)
    return max(told, key=told.__getitem__, default=None)


def last_words(log: Path) -> str:
    """Return the last line of a job's log: one of SLURM's own only where it has no other."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    said = [line.strip() for line in reversed(lines) if line.strip()]
    others = [line for line in said if not line.startswith(_DAEMONS)]
    return next(iter(others or said), "")


def log_of(submission: Path, job: str) -> Path:
    """Return the log of a job's errors, where submitit puts it."""
    return submission / f"{job}_0_log.err"
