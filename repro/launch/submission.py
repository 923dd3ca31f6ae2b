"""What was submitted to a cluster, as a file: which jobs, and which trials each of them has.

Jobs are known by the name of their submission, which no other has. So a job is found in the queue
even where its submitter died before it could write its number down.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repro.files import make_directory, read_json, write_json
from repro.launch.queue import QueuedJob
from repro.paths import ResultPaths

_FILE = "submission.json"
#: The file that says that the user cancelled a submission, or a local worker.
CANCELLED = "cancelled"
_ABANDONED = "abandoned"


@dataclass(frozen=True)
class Submission:
    """One call of ``sbatch``: a job, or an array of them.

    ``cluster``  its name, because job numbers and names are known to that cluster alone
    ``bundles``  the trials' ids of each job of the array
    ``client``   the variables under which SLURM's commands find that cluster
    ``job``      the number that SLURM gave it; empty until it did
    """

    folder: Path
    name: str
    cluster: str
    bundles: tuple[tuple[str, ...], ...]
    throttle: int
    memory_gb: float
    job: str = ""
    profile: str = ""
    code: str = ""
    client: dict[str, str] = field(default_factory=dict)
    submitted: float = field(default_factory=time.time)

    @property
    def is_complete(self) -> bool:
        """Whether ``sbatch`` came back: otherwise its submitter died, or is at it."""
        return bool(self.job) or (self.folder / _ABANDONED).exists()

    @property
    def is_cancelled(self) -> bool:
        """Whether the user cancelled it."""
        return (self.folder / CANCELLED).exists()

    @property
    def trials(self) -> Iterator[str]:
        """The ids of all its trials."""
        return (trial for bundle in self.bundles for trial in bundle)

    def job_of(self, task: int) -> str:
        """Return the number of the job that has the bundle ``task``: ``12``, or ``12_3``."""
        return self.job if len(self.bundles) == 1 else f"{self.job}_{task}"

    def write(self) -> None:
        """Store it in its folder."""
        content = vars(self) | {"folder": str(self.folder), "host": os.uname().nodename}
        write_json(self.folder / _FILE, content)

    def mark_cancelled(self) -> None:
        """Note that the user cancelled it, so that nobody submits its trials again unasked."""
        (self.folder / CANCELLED).touch()

    def mark_abandoned(self) -> None:
        """Note that its submitter died before it was complete, and that its jobs were ended."""
        (self.folder / _ABANDONED).touch()


def new_folder(paths: ResultPaths) -> Path:
    """Make a folder that no other submission has: job ids may start again, folders may not.

    Names sort by time, within a second too.
    """
    seconds, rest = divmod(time.time_ns(), 10**9)
    moment = time.strftime("%Y%m%d-%H%M%S", time.localtime(seconds))
    name = f"{moment}-{rest:09d}-{os.getpid()}"
    return make_directory(paths.jobs / name)


def read_submissions(jobs: Path, names: Iterable[str] | None = None) -> list[Submission]:
    """Return the submissions in the folder ``jobs``, oldest first; with ``names``, only those."""
    wanted = None if names is None else set(names)
    found = []
    for path in sorted(jobs.glob(f"*/{_FILE}")):
        if wanted is None or path.parent.name in wanted:
            content = read_json(path)
            if content is not None:
                found.append(_submission(path.parent, content))
    return sorted(found, key=lambda one: one.submitted)


def living_trials(
    submissions: Sequence[Submission], queue: Sequence[QueuedJob]
) -> dict[str, QueuedJob]:
    """Return the trials that jobs of the queue have on their lists, each with its job."""
    by_name = {one.name: one for one in submissions}
    found = {}
    for job in queue:
        submission = by_name.get(job.name)
        if submission is None or job.is_final or job.is_hopeless:
            continue
        if job.task < len(submission.bundles):
            found.update(dict.fromkeys(submission.bundles[job.task], job))
    return found


def _submission(folder: Path, content: dict[str, object]) -> Submission:
    fields = {name: content[name] for name in Submission.__dataclass_fields__ if name in content}
    bundles = tuple(tuple(bundle) for bundle in content["bundles"])  # type: ignore[attr-defined]
    return Submission(**fields | {"folder": folder, "bundles": bundles})  # type: ignore[arg-type]
