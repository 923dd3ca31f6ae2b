"""The job of the cluster that a worker runs in: why it must stop, how long it has, whether it goes
on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from repro.errors import UserError
from repro.files import read_json, write_json
from repro.launch import queue
from repro.launch.endings import kind_in_log, log_of
from repro.trials.attempts import LOST, job_id

#: How long before its end a job puts itself back into the queue, at the latest.
_RESERVE_SECONDS = 5.0
#: How long a trial may take to its next checkpoint where the job's end is not known.
_UNKNOWN_END_SECONDS = 20.0
_TIME_LIMIT = "time limit"


@dataclass
class PresentJob:
    """One start of a job.

    ``restarts``  how often it was started before
    ``notice``    the file in which a start tells the next one why it had to stop
    ``earlier``   why the start before this one ended
    """

    job: str
    restarts: int
    notice: Path
    earlier: str = LOST
    _facts: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of_environment(cls, list_path: Path) -> PresentJob:
        """Return the job that this process runs in; ``list_path`` is its worker's list."""
        restarts = int(os.environ.get("SLURM_RESTART_COUNT") or 0)
        job = cls(job_id(), restarts, list_path.with_suffix(".notice"))
        if restarts:
            job.earlier = job._earlier_ending()
        return job

    def reason(self, came: signal.Signals) -> str:
        """Say why the job must stop, given the first signal that told it so."""
        kind = self._kind(came)
        reason = f"{kind}: job {self.job} was sent {came.name}"
        with contextlib.suppress(UserError):
            write_json(self.notice, {"start": self.restarts, "reason": reason}, durable=False)
        return reason

    def deadline(self) -> float:
        """Return until when a trial may go on to its next checkpoint (seconds since the epoch)."""
        try:
            end = datetime.fromisoformat(self._ask()["EndTime"]).timestamp()
        except (KeyError, ValueError):
            return time.time() + _UNKNOWN_END_SECONDS
        return end - _RESERVE_SECONDS

    def leave(self, came: signal.Signals) -> None:
        """Go back into the queue where the job would otherwise be over: work is left.

        Where it is being ended already, SLURM or the user has decided what becomes of it.
        """
        self.reason(came)
        if self._goes_back(came):
            with contextlib.suppress(queue.QueueSilentError):
                queue.requeue(self.job)

    def is_over(self, came: signal.Signals) -> bool:
        """Say whether it must stop because its time is over."""
        return self._kind(came) == _TIME_LIMIT

    def _goes_back(self, came: signal.Signals) -> bool:
        facts = self._ask()
        if not facts:
            return came == signal.SIGUSR2
        return facts["JobState"] == "RUNNING" and (
            came == signal.SIGUSR2 or _is_set(facts.get("PreemptTime"))
        )

    def _kind(self, came: signal.Signals) -> str:
        facts = self._ask()
        if _is_set(facts.get("PreemptTime")):
            return "preempted"
        if facts.get("Restarts", "0") != str(self.restarts) and facts:
            return "requeued"
        if came == signal.SIGUSR2:
            return _TIME_LIMIT
        return "interrupted" if facts.get("JobState") == "RUNNING" else "cancelled"

    def _ask(self) -> dict[str, str]:
        """Return what SLURM says of the job, asked once: when the first signal has come."""
        if not self._facts:
            with contextlib.suppress(queue.QueueSilentError):
                self._facts = dict(queue.facts(self.job))
        return self._facts

    def _earlier_ending(self) -> str:
        notice = read_json(self.notice) or {}
        if notice.get("start") == self.restarts - 1:
            return str(notice["reason"])
        kind = kind_in_log(log_of(self.notice.parent, self.job)) or "node failure"
        return f"{kind}: job {self.job} was started again without a warning"


def _is_set(time_text: str | None) -> bool:
    return time_text not in (None, "None", "Unknown", "")
