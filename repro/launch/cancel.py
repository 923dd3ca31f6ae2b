"""The verb `cancel`: ends what a sweep started, on the cluster and on this machine, no more."""

from __future__ import annotations

from repro.errors import UserError
from repro.launch import queue
from repro.launch.local import cancel_workers
from repro.launch.slurm import job_prefix, submitting
from repro.launch.submission import read_submissions
from repro.paths import ResultPaths


def cancel_sweep(paths: ResultPaths) -> str:
    """End the jobs and local workers of a paper at a scale; say how many there were.

    What they have finished stays; trials go on from their checkpoints once they are run again. A
    queue that does not answer: ``UserError``.
    """
    workers = cancel_workers(paths.jobs.glob("*/worker-*.json"))
    jobs = _cancel_jobs(paths) if any(paths.jobs.glob("*/submission.json")) else 0
    where = f"{paths.paper} at scale {paths.scale}"
    if not workers and not jobs:
        return f"{where}: nothing to cancel."
    return f"{where}: cancelled {jobs} jobs and {workers} local workers; `reproduce` goes on later."


def _cancel_jobs(paths: ResultPaths) -> int:
    submissions = read_submissions(paths.jobs)
    queue.talk_to(submissions[-1].client if submissions else {})
    if not queue.is_here():
        raise UserError("there is no squeue here: cancel from the cluster's login node")
    try:
        # A call that is submitting at this moment comes first: its jobs are cancelled too.
        with submitting(paths):
            prefix = job_prefix(paths)
            living = [job for job in queue.queued_jobs() if not job.is_final]
            names = {job.name.removeprefix(prefix) for job in living}
            ours = {one.name: one for one in read_submissions(paths.jobs, names)}
            for submission in ours.values():
                submission.mark_cancelled()
            jobs = [job.job for job in living if job.name in ours]
            queue.cancel(jobs)
            return len(jobs)
    except queue.QueueSilentError as problem:
        raise UserError(f"SLURM does not answer, so nothing was cancelled: {problem}") from problem
