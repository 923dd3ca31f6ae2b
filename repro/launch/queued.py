"""What the queue holds of a paper at a scale, for whoever only looks: one call of ``squeue``."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from repro.launch import queue
from repro.launch.slurm import job_prefix
from repro.launch.submission import living_trials, read_submissions
from repro.paths import ResultPaths


@dataclass(frozen=True)
class Queued:
    """``trials``: the ids that jobs have on their lists; ``line``: what to tell the user."""

    trials: frozenset[str] = frozenset()
    lines: tuple[str, ...] = field(default=())


def queued(paths: ResultPaths) -> Queued:
    """Return what jobs of the cluster hold; nothing where none was ever submitted."""
    folders = sorted(path.parent for path in paths.jobs.glob("*/submission.json"))
    if not folders:
        return Queued()
    for submission in read_submissions(paths.jobs, [folders[-1].name]):
        queue.talk_to(submission.client)
    if not queue.is_here():
        return Queued(lines=("Jobs were submitted to a cluster that cannot be asked from here.",))
    try:
        jobs = queue.queued_jobs()
    except queue.QueueSilentError as problem:
        return Queued(lines=(f"The queue cannot be asked, jobs may run: {problem}",))
    prefix = job_prefix(paths)
    names = {job.name.removeprefix(prefix) for job in jobs if job.name.startswith(prefix)}
    trials = living_trials(read_submissions(paths.jobs, names), jobs)
    living = {job.job: job for job in trials.values()}.values()
    return Queued(frozenset(trials), _lines(Counter(_shown(job) for job in living)))


def _shown(job: queue.QueuedJob) -> str:
    waits = job.state == "PENDING" and job.reason not in ("None", "")
    return f"{job.state.lower()} ({job.reason})" if waits else job.state.lower()


def _lines(counts: Counter[str]) -> tuple[str, ...]:
    if not counts:
        return ()
    return (f"Jobs: {', '.join(f'{n} {what}' for what, n in sorted(counts.items()))}.",)
