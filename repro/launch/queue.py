"""What SLURM says and is told: its commands, each with a time limit, their output as values."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache

_COMMAND_SECONDS = 60.0

#: States of a job that has ended and will not run again by itself.
_FINAL = {"COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "DEADLINE", "NODE_FAIL", "BOOT_FAIL"}
_FINAL |= {"OUT_OF_MEMORY", "PREEMPTED", "REVOKED"}
#: Why a job that waits will wait for ever.
_HOPELESS = ("DependencyNeverSatisfied", "launch failed requeued held")
#: Why a job that waits will wait until somebody changes what it asks for.
IMPOSSIBLE = re.compile(
    r"PartitionTimeLimit|BadConstraints|InvalidAccount|InvalidQOS|(QOS|Assoc)Max\w*PerJob(Limit)?"
)

#: What a shell may hold of SLURM's: defaults of its commands, which go before the options that a
#: script names, and inside of a job that job's own properties, which its child would inherit.
_FOREIGN = ("SLURM_", "SLURMD_", "SRUN_", "SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_")
#: How the commands find the cluster and prove who asks.
_CLIENT = {"SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT"}


class QueueSilentError(Exception):
    """SLURM did not answer: nothing is known of any job, and nothing may be concluded."""


@dataclass(frozen=True)
class QueuedJob:
    """One job, or one task of an array, as ``squeue`` shows it.

    ``job``     ``12`` or ``12_3``
    ``reason``  why it waits
    ``name``    the name of its submission
    """

    job: str
    state: str
    node: str
    reason: str
    name: str

    @property
    def task(self) -> int:
        """The place of the task in its array; 0 for a job that is none."""
        return int(self.job.partition("_")[2] or 0)

    @property
    def is_final(self) -> bool:
        """Whether it ended, and SLURM will not run it again."""
        return self.state in _FINAL

    @property
    def is_hopeless(self) -> bool:
        """Whether it waits for what will never come."""
        return self.state == "PENDING" and self.reason.startswith(_HOPELESS)

    @property
    def is_impossible(self) -> bool:
        """Whether it asks for what the cluster will not give."""
        return self.state == "PENDING" and bool(IMPOSSIBLE.fullmatch(self.reason))


def talk_to(client: Mapping[str, str]) -> None:
    """Let this process's calls of SLURM's commands find a cluster: variables such as SLURM_CONF."""
    os.environ.update(client)
    _CLIENT.update(client)


@contextmanager
def without_defaults(*kept: str) -> Iterator[None]:
    """Hide the shell's own words to SLURM's commands inside the block, but for those ``kept``."""
    hidden = {name: os.environ.pop(name) for name in list(os.environ) if _is_foreign(name, kept)}
    try:
        yield
    finally:
        os.environ.update(hidden)


def is_here() -> bool:
    """Say whether this machine has SLURM's commands."""
    return shutil.which("squeue") is not None


def queued_jobs() -> list[QueuedJob]:
    """Return this user's jobs, those too that ended a moment ago: one call of ``squeue``."""
    form = "%i|%T|%N|%r|%j"
    text = _ask(["squeue", "-h", "-r", "-t", "all", f"--user={os.getuid()}", "-o", form])
    rows = [line.split("|") for line in text.splitlines()]
    return [QueuedJob(*row) for row in rows if len(row) == len(form.split("|"))]


def accounted_states(jobs: Iterable[str]) -> Mapping[str, str]:
    """Return the states of ``jobs`` that ``sacct`` knows; none where there is no accounting."""
    wanted = sorted(set(jobs))
    if not wanted:
        return {}
    command = ["sacct", "-n", "-X", "-P", "-o", "JobID,State", "-j", ",".join(wanted)]
    try:
        text = _ask(command)
    except QueueSilentError:
        return {}
    rows = [line.split("|") for line in text.splitlines() if "|" in line]
    # `CANCELLED by 1000`: the state is the first word.
    return {row[0]: row[1].split()[0] for row in rows if row[1]}


@cache
def configuration() -> Mapping[str, str]:
    """Return the cluster's settings, such as ``MaxArraySize`` and ``ClusterName``."""
    text = _ask(["scontrol", "show", "config"])
    return dict(re.findall(r"^(\w+)\s*= *(.*?)\s*$", text, flags=re.MULTILINE))


def most_tasks() -> int:
    """Return how many tasks one array may have: indices run from 0 to ``MaxArraySize`` - 1."""
    most = int(configuration().get("MaxArraySize", "1001"))
    named = re.search(r"max_array_tasks=(\d+)", configuration().get("SchedulerParameters", ""))
    return max(min(most, int(named[1])) if named else most, 1)


def facts(job: str) -> Mapping[str, str]:
    """Return what ``scontrol`` shows of one job."""
    return dict(re.findall(r"(\w+)=(\S*)", _ask(["scontrol", "show", "job", "-o", job])))


def requeue(job: str) -> None:
    """Put a running job back into the queue."""
    _ask(["scontrol", "requeue", job])


def cancel(jobs: Sequence[str]) -> None:
    """Cancel jobs by their numbers; one that has ended meanwhile is none to complain about."""
    for start in range(0, len(jobs), 500):
        _ask(["scancel", *jobs[start : start + 500]])


def cancel_named(name: str) -> None:
    """Cancel this user's jobs that are called ``name``, which is unique to a submission."""
    _ask(["scancel", f"--user={os.getuid()}", f"--name={name}"])


def _ask(command: list[str]) -> str:
    """Return what a command prints. No answer, for whatever reason: ``QueueSilentError``."""
    plain = {name: value for name, value in os.environ.items() if not _is_foreign(name)}
    try:
        answer = subprocess.run(
            command,
            env=plain,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise QueueSilentError(f"{command[0]}: {error}") from error
    if answer.returncode != 0:
        said = " ".join(answer.stderr.split()) or f"exit status {answer.returncode}"
        raise QueueSilentError(f"{command[0]}: {said[:300]}")
    return answer.stdout


def _is_foreign(name: str, kept: Sequence[str] = ()) -> bool:
    return name.startswith(_FOREIGN) and name not in _CLIENT and name not in kept
