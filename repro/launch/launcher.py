"""What every launcher offers: it starts workers and knows which trials they still have."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from repro.errors import UserError, did_you_mean
from repro.paths import ResultPaths
from repro.planning.estimate import Estimate
from repro.planning.plan import Plan
from repro.spec import Resources
from repro.trials.trial import Trial

LAUNCHERS = ("local", "debug", "slurm")


@dataclass(frozen=True)
class Order:
    """Trials of a plan that are to run, and how long each is expected to take."""

    plan: Plan
    trials: Sequence[Trial]
    estimate: Estimate


class Launcher(Protocol):
    """Starts workers and knows which trials they still have on their lists."""

    #: How often it is worth to ask and look.
    poll_seconds: float

    @property
    def places(self) -> int:
        """How many trials can run at once."""

    def notes(self, order: Order) -> list[str]:
        """Say before a run what the user should know of how it will be run."""

    def start(self, order: Order) -> Collection[str]:
        """Start workers on the trials of ``order`` as far as there is room for them.

        Returns the ids of the trials that are on a worker's list now.
        """

    def held(self) -> set[str] | None:
        """Return the ids of this paper's trials that a living worker has, whoever started it.

        ``None`` where that cannot be known at present: then nothing may be concluded.
        """

    def reinforce(self, waiting: Collection[str]) -> None:
        """Let places that have become free help with trials that are held and not begun."""

    def given_up(self) -> set[str]:
        """Return the ids of trials whose workers the user ended: they are not started again."""

    def has_ended(self, job: str) -> bool:
        """Say whether ``job``, as an attempt has it, is this launcher's and known to have ended."""

    def reasons(self, open_attempts: Mapping[str, dict[str, Any]]) -> dict[str, str]:
        """Say for trials, by id, why the attempt that their dead process left open ended."""

    def last_words(self, trial: str) -> str:
        """Return the last line that the last worker which had a trial wrote; empty for none."""

    def stop(self) -> str:
        """End what must not outlive this process; return what to tell the user."""


def make_launcher(
    name: str, paths: ResultPaths, resources: Resources, jobs: int, cluster: str = ""
) -> Launcher:
    """Return the launcher called ``name``. An unknown name, or a wrong profile: ``UserError``.

    ``jobs``     trials at once; 0: as many as there are places
    ``cluster``  the profile of the cluster, which only ``slurm`` needs
    """
    if name not in LAUNCHERS:
        raise UserError(f"unknown launcher {name!r}{did_you_mean(name, LAUNCHERS)}")
    if cluster and name != "slurm":
        raise UserError(f"CLUSTER={cluster} needs LAUNCHER=slurm, is {name}")
    if name == "debug":
        from repro.launch.debug import DebugLauncher

        return DebugLauncher(paths)
    if name == "local":
        from repro.launch.local import LocalLauncher

        return LocalLauncher(paths, resources, jobs)
    from repro.launch.slurm import SlurmLauncher

    return SlurmLauncher(paths, resources, cluster, jobs)
