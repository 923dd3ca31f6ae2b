"""The launcher ``debug``: no worker process at all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from repro.files import explained
from repro.launch.launcher import Order
from repro.launch.submission import new_folder
from repro.launch.worker import work
from repro.launch.worklist import WorkList, results_to_replace
from repro.paths import ResultPaths
from repro.trials.attempts import LOST


class DebugLauncher:
    """Runs every trial in this process, one after the other: breakpoints and prints work."""

    places = 1
    poll_seconds = 0.25

    def __init__(self, paths: ResultPaths) -> None:
        self._paths = paths

    def notes(self, order: Order) -> list[str]:  # noqa: ARG002
        """Say nothing."""
        return []

    def start(self, order: Order) -> Collection[str]:
        """Run the trials now."""
        from submitit import AutoExecutor

        folders = [order.plan.folder(trial) for trial in order.trials]
        submission = new_folder(self._paths)
        work_list = submission / "trials.json"
        replaced = results_to_replace(folders)
        WorkList(tuple(f.path for f in folders), "none", replaced=replaced).write(work_list)
        with explained(submission):
            executor = AutoExecutor(submission, cluster="debug")
            job = executor.submit(work, str(work_list), str(submission / "debug.json"))
        job.results()
        return {trial.trial_id for trial in order.trials}

    def held(self) -> set[str] | None:
        """Nothing runs once :meth:`start` has returned."""
        return set()

    def reinforce(self, waiting: Collection[str]) -> None:
        """Do nothing: this process is the only place."""

    def given_up(self) -> set[str]:
        """Nothing is given up: Ctrl-C ends this process."""
        return set()

    def has_ended(self, job: str) -> bool:  # noqa: ARG002
        """No job is this launcher's."""
        return False

    def reasons(self, open_attempts: Mapping[str, dict[str, Any]]) -> dict[str, str]:
        """Nothing is known of a process that is gone."""
        return dict.fromkeys(open_attempts, LOST)

    def last_words(self, trial: str) -> str:  # noqa: ARG002
        """Nothing was written that the user has not seen."""
        return ""

    def stop(self) -> str:
        """Nothing is left to stop."""
        return "What was finished is kept; the same command goes on from there."
