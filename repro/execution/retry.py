"""Which trials go on after an attempt that gave no result: a rule over the reasons it ended for.

An attempt's reason starts with its kind. What the cluster or the user caused costs a trial nothing;
what the trial may have caused itself is forgiven once, and an exception never::

    preempted, requeued, node failure, interrupted, cancelled, disk     go on, always
    time limit           goes on if the attempt left a newer checkpoint than it found, or began
                         late: other trials of its job had some of the time
    out of memory        goes on once
    killed               (by a signal of its own) goes on once
    lost                 (no word at all) goes on, at most five times without a newer checkpoint
    exception            never: RETRY=failed, or changed code, runs it again
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_FREE = frozenset({"preempted", "requeued", "node failure", "interrupted", "cancelled", "disk"})
_ONCE = frozenset({"out of memory", "killed"})
_LOST_AT_MOST = 5

Attempts = Sequence[dict[str, Any]]


def kind_of(reason: str) -> str:
    """Return the kind that a reason starts with: ``killed by SIGSEGV`` is ``killed``."""
    kind = reason.partition(":")[0]
    return "killed" if kind.startswith("killed by") else kind


def may_go_on(attempts: Attempts) -> bool:
    """Say whether a trial without an outcome may be run again after its ``attempts``."""
    recent = _since_last_outcome(attempts)
    if not recent:
        return True
    last = recent[-1]
    kind = kind_of(str(last["reason"]))
    alike = [one for one in recent if kind_of(str(one["reason"])) == kind]
    if kind in _ONCE:
        return len(alike) < 2
    if kind == "time limit":
        return bool(last.get("advanced") or last.get("late"))
    if kind == "lost":
        return sum(not one.get("advanced") for one in alike) < _LOST_AT_MOST
    return kind in _FREE


def failure(attempts: Attempts) -> tuple[str, str]:
    """Return type and message of the error of a trial that may not go on: what, and what to do."""
    reason = str(attempts[-1]["reason"])
    kind = kind_of(reason)
    if kind == "out of memory":
        return "OutOfMemory", (
            "out of memory twice: raise memory_gb, under resources in the spec or in the cluster's "
            f"profile; then RETRY=failed. The last time: {reason.partition(': ')[2]}"
        )
    if kind == "time limit":
        return "TimeLimit", (
            "the time limit ended it before it came to a newer checkpoint: raise time_minutes in "
            "the cluster's profile; then RETRY=failed"
        )
    if kind == "lost":
        return "Lost", f"lost {_LOST_AT_MOST} times: its process ended without a word each time"
    return "Killed", f"killed twice, the last time {reason.removeprefix('killed ')}"


def _since_last_outcome(attempts: Attempts) -> Attempts:
    """Return the attempts after the last one that ended for good: a result, or a failure."""
    for place in range(len(attempts), 0, -1):
        one = attempts[place - 1]
        if one.get("failed") or kind_of(str(one["reason"])) in ("done", "exception"):
            return attempts[place:]
    return attempts
