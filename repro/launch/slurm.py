"""The launcher ``slurm``: trials as jobs of a cluster, which go on when this process is gone.

Nothing is kept in memory that matters: what was submitted stands in ``jobs/*/submission.json``, and
whether it still runs is asked of the queue. So any later call finds what this one began.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from repro.errors import UserError
from repro.execution.together import seedless_key
from repro.files import make_directory
from repro.launch import queue
from repro.launch.artifacts import missing_artifacts
from repro.launch.bundles import Array, arrays, bundled, grouped, resources_of, shares
from repro.launch.endings import kind_in_log, kind_of_state, last_words, log_of
from repro.launch.launcher import Order
from repro.launch.patience import Patience
from repro.launch.profile import load_profile
from repro.launch.queue import QueuedJob, QueueSilentError
from repro.launch.sbatch import NotNowError, Sender
from repro.launch.snapshot import take_snapshot
from repro.launch.submission import Submission, living_trials, read_submissions
from repro.paths import ResultPaths
from repro.planning.estimate import in_words
from repro.spec import Resources
from repro.trials.attempts import LOST
from repro.trials.heartbeat import beating
from repro.trials.lock import claimed
from repro.trials.trial import Trial


class SlurmLauncher:
    """Submits bundles of trials as arrays of jobs, and follows them by what the queue says."""

    def __init__(self, paths: ResultPaths, resources: Resources, cluster: str, jobs: int) -> None:
        self._paths = paths
        self._resources = resources
        self._cluster = cluster
        self._profile = load_profile(cluster)
        queue.talk_to(self._profile.client)
        self._parallel = jobs or self._profile.parallel
        self._queue: list[QueuedJob] = []
        self._submissions: list[Submission] = []
        self._held: dict[str, QueuedJob] = {}
        self._ended_by_us: set[str] = set()
        self._is_tidy = False
        self._silence = Patience("SLURM does not answer")
        self._refusals = Patience("the cluster takes no job")
        self.poll_seconds = self._profile.poll_seconds

    @property
    def places(self) -> int:
        """The most jobs at once."""
        return self._parallel

    def notes(self, order: Order) -> list[str]:
        """Say where the trials will run, and what the job's time limit means for them."""
        if not order.trials:
            return []
        if not queue.is_here():
            raise UserError(
                "LAUNCHER=slurm: there is no squeue: run this on the cluster's login node"
            )
        limit = self._profile.time_minutes * 60
        lines = [
            f"As jobs of {self._profile.partition or 'the default partition'} "
            f"({self._cluster}), each with a limit of {in_words(limit)}."
        ]
        longest = max(order.estimate.seconds(trial) for trial in order.trials)
        if longest > limit:
            lines.append(
                f"A trial takes about {in_words(longest)}: its job is put back into the queue in "
                f"time, and goes on from the last checkpoint."
            )
        held = self.held() or set()
        queued = sum(trial.trial_id in held for trial in order.trials)
        if queued:
            lines.append(f"{queued} of them are in the queue already.")
        return lines

    def held(self) -> set[str] | None:
        """Return the trials that jobs in the queue have: one call of ``squeue``."""
        try:
            if not self._is_tidy:
                self._tidy()
            self._look()
        except QueueSilentError as problem:
            self._silence.bear(problem)
            return None
        self._silence.end()
        return set(self._held)

    def start(self, order: Order) -> Collection[str]:
        """Submit what no job has, as far as the cap on jobs allows; one submitter at a time."""
        try:
            with submitting(self._paths):
                self._look()
                return self._submit(order)
        except QueueSilentError as problem:
            self._is_tidy = False
            self._silence.bear(problem)
            return ()

    def reinforce(self, waiting: Collection[str]) -> None:
        """Do nothing: the queue fills the places, and jobs do not share their trials."""

    def given_up(self) -> set[str]:
        """Return the trials whose last job was cancelled, by `cancel` or by hand."""
        cancelled = {
            (job.name, job.task)
            for job in self._queue
            if job.state == "CANCELLED" and job.job not in self._ended_by_us
        }
        last: dict[str, bool] = {}
        for one in self._submissions:
            for task, bundle in enumerate(one.bundles):
                gone = one.is_cancelled or ((one.name, task) in cancelled and bool(one.job))
                last.update(dict.fromkeys(bundle, gone))
        return {trial for trial, gone in last.items() if gone and trial not in self._held}

    def has_ended(self, job: str) -> bool:
        """Say whether ``job`` is one of this sweep's on this cluster, no longer in the queue."""
        living = {one.job for one in self._queue if not one.is_final}
        if job in living:
            return False
        here = self._cluster_name()
        submissions = read_submissions(self._paths.jobs)
        return any(one.cluster == here and job in _jobs_of(one) for one in submissions)

    def reasons(self, open_attempts: Mapping[str, dict[str, Any]]) -> dict[str, str]:
        """Say why the jobs of attempts ended: by the queue, the accounts, or the job's log."""
        jobs = {trial: str(attempt["job"]) for trial, attempt in open_attempts.items()}
        states = {job.job: job.state for job in self._queue if job.is_final}
        unknown = set(jobs.values()) - states.keys() - {""}
        states |= queue.accounted_states(unknown)
        ours = {job: one for one in read_submissions(self._paths.jobs) for job in _jobs_of(one)}
        return {trial: _reason(job, states.get(job), ours.get(job)) for trial, job in jobs.items()}

    def last_words(self, trial: str) -> str:
        """Return the last line in the log of the last job that had the trial."""
        for one in reversed(read_submissions(self._paths.jobs)):
            for task, bundle in enumerate(one.bundles):
                if trial in bundle:
                    log = log_of(one.folder, one.job_of(task))
                    words = last_words(log)
                    return f"{words} ({log})" if words else ""
        return ""

    def stop(self) -> str:
        """Leave the jobs alone; say how to look at them and how to cancel them."""
        # Those that were sent since the last look count as well.
        with suppress(QueueSilentError, UserError):
            self._look()
        jobs = len({job.job for job in self._held.values()})
        where = f"PAPER={self._paths.paper} SCALE={self._paths.scale}"
        if self._paths.results.name != "results":
            where += f" RESULTS={self._paths.results}"
        return (
            f"Jobs that go on without this command: {jobs}. `make status {where}` shows them, "
            f"`make cancel {where}` ends them; the same command watches again."
        )

    def _look(self) -> None:
        """Ask the queue once, and find out which trials its jobs have."""
        self._queue = queue.queued_jobs()
        prefix = job_prefix(self._paths)
        names = {j.name.removeprefix(prefix) for j in self._queue if j.name.startswith(prefix)}
        self._submissions = read_submissions(self._paths.jobs, names)
        ours = {one.name for one in self._submissions}
        hopeless = [job.job for job in self._queue if job.is_hopeless and job.name in ours]
        if hopeless:
            self._ended_by_us |= set(hopeless)
            queue.cancel(hopeless)
        self._refuse_the_impossible(ours)
        self._held = living_trials(self._submissions, self._queue)
        if self._held:
            self._refusals.end()

    def _refuse_the_impossible(self, ours: set[str]) -> None:
        """Cancel jobs that would wait for ever for what they ask, and say why they would."""
        stuck = [job for job in self._queue if job.is_impossible and job.name in ours]
        if stuck:
            queue.cancel([job.job for job in stuck])
            raise UserError(
                f"CLUSTER={self._cluster}: {len(stuck)} jobs would wait for ever "
                f"({stuck[0].reason}) and were cancelled: change the profile, then run this again"
            )

    def _cluster_name(self) -> str:
        try:
            return queue.configuration().get("ClusterName", "")
        except QueueSilentError:
            return "unknown: it does not answer"

    def _tidy(self) -> None:
        """End what a submitter left behind that died midway: its jobs may lack their files."""
        if any(not one.is_complete for one in read_submissions(self._paths.jobs)):
            with submitting(self._paths):
                for one in read_submissions(self._paths.jobs):
                    if not one.is_complete:
                        queue.cancel_named(one.name)
                        one.mark_abandoned()
        self._is_tidy = True

    def _submit(self, order: Order) -> Collection[str]:
        wanted = [trial for trial in order.trials if self._is_wanted(order, trial)]
        free = self._parallel - self._in_use()
        if not wanted or free <= 0:
            return ()
        profile = self._profile
        code = take_snapshot(self._paths.code)
        sender = Sender(self._paths, order.plan, profile, self._cluster, code)
        taken: set[str] = set()
        first = self._build_first(sender, wanted)
        limit = profile.time_minutes * 60
        groups = grouped(wanted, self._resources)
        #: The last job of each group: where groups outnumber places, they wait for each other.
        ends: list[str] = []
        for place, share in enumerate(shares([len(trials) for _, trials in groups], free)):
            resources, trials = groups[place]
            key = _alone if resources.gpus else seedless_key
            bundles = bundled(trials, order.estimate.seconds, share, limit, key)
            earlier = [*first, *ends[place - free : place - free + 1]] if place >= free else first
            sent: list[str] = []
            for array in arrays(bundles, queue.most_tasks(), share):
                try:
                    after = _after(array, sent) or earlier
                    sent.append(sender.send(array, resources, after))
                except NotNowError as problem:
                    self._refusals.bear(problem)
                    return taken
                taken |= {trial.trial_id for bundle in array.bundles for trial in bundle}
            ends.append(sent[-1])
        return taken

    def _build_first(self, sender: Sender, trials: Sequence[Trial]) -> list[str]:
        """Submit a job for the artefacts that ``trials`` need and lack; return its number, if any.

        Trials start when it has ended, however: whoever misses an artefact builds it.
        """
        artifacts = missing_artifacts(trials, self._paths.artifacts)
        if not artifacts:
            return []
        with suppress(NotNowError):
            return [sender.send_artifacts(artifacts, resources_of(trials[0], self._resources))]
        return []

    def _is_wanted(self, order: Order, trial: Trial) -> bool:
        """Say whether nobody has taken the trial on, or ended it, since the caller looked."""
        if trial.trial_id in self._held:
            return False
        return order.plan.record(trial).state in ("missing", "lost", "stale")

    def _in_use(self) -> int:
        """Return how many jobs of this sweep may run at once by what is submitted already."""
        living: dict[str, int] = {}
        for job in self._queue:
            if not job.is_final:
                living[job.name] = living.get(job.name, 0) + 1
        return sum(min(one.throttle, living.get(one.name, 0)) for one in self._submissions)


def job_prefix(paths: ResultPaths) -> str:
    """Return how the names of this paper's jobs at this scale begin; a folder's name follows."""
    return f"klaim-{paths.paper}-{paths.scale}-"


@contextmanager
def submitting(paths: ResultPaths) -> Iterator[None]:
    """Hold the one right to submit or cancel jobs of this paper at this scale."""
    make_directory(paths.jobs)
    beat = paths.jobs / "submit.heartbeat.json"
    with claimed(paths.jobs / "submit.claim", beat), beating(beat):
        yield


def _alone(_: Trial) -> str:
    """A GPU's trials run by themselves: see ``repro.launch.worker``."""
    return ""


def _after(array: Array, sent: list[str]) -> list[str]:
    return [] if array.after is None else [sent[array.after]]


def _jobs_of(submission: Submission) -> list[str]:
    return [submission.job_of(task) for task in range(len(submission.bundles))]


def _reason(job: str, state: str | None, submission: Submission | None) -> str:
    if submission is None:
        return LOST
    told = kind_in_log(log_of(submission.folder, job))
    # A state may hide it: out of memory reads FAILED where the daemon, not the kernel, saw it.
    kind = told if told == "out of memory" else kind_of_state(state or "") or told
    ended = f"job {job} ended as {state}" if state else f"job {job} is gone"
    if kind == "out of memory":
        ended += f", it had {submission.memory_gb:g} GB"
    return f"{kind}: {ended}" if kind else f"{LOST} ({ended})"
