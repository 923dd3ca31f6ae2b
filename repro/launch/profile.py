"""A cluster's profile: how jobs are asked for there. YAML in ``slurm/``, or a user's own file."""

from __future__ import annotations

import re
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Optional

from repro.errors import UserError, did_you_mean
from repro.paths import PROFILES
from repro.spec import Resources
from repro.spec.checker import Checker
from repro.spec.load import read_typed


@dataclass
class ClusterProfile:
    """Every key that a profile may have. What a trial needs stands in the paper's spec.

    ``partition`` … ``exclude``  passed on to ``sbatch``; empty ones are left out
    ``time_minutes``   the time limit of each job. A trial that needs longer is put back into the
                       queue in time and goes on from its last checkpoint
    ``signal_seconds`` how long before the limit trials are told to stop at their next checkpoint
    ``memory_gb``, ``cpus``  in place of the spec's, per job
    ``gres``           how GPUs are asked for, such as ``gpu:a100:{gpus}``; empty: as
                       ``--gpus-per-node``
    ``parallel``       the most jobs at once, over all arrays of a sweep
    ``setup``          lines of shell that run first in each job, such as ``module load cuda``
    ``python``         the command that stands for Python in jobs, such as
                       ``apptainer exec --nv image.sif python``; empty: this one
    ``environment``    variables that are set in jobs
    ``sbatch``         further options of ``sbatch`` by their long names
    ``poll_seconds``   how often `reproduce` looks at the queue
    ``client``         variables under which SLURM's commands find the cluster, such as SLURM_CONF
    """

    partition: str = ""
    account: str = ""
    qos: str = ""
    constraint: str = ""
    exclude: str = ""
    time_minutes: int = 60
    signal_seconds: int = 120
    memory_gb: Optional[float] = None  # noqa: UP045 - OmegaConf reads these annotations
    cpus: Optional[int] = None  # noqa: UP045
    gres: str = ""
    parallel: int = 32
    setup: list[str] = field(default_factory=list)
    python: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    sbatch: dict[str, Any] = field(default_factory=dict)
    poll_seconds: float = 10.0
    client: dict[str, str] = field(default_factory=dict)


#: Options of ``sbatch`` that the launcher needs for itself.
_OURS = (
    *("array", "job-name", "output", "error", "signal", "requeue", "no-requeue", "open-mode"),
    *("dependency", "nodes", "ntasks", "ntasks-per-node", "wait", "wrap", "test-only"),
)
#: Options that a key of the profile or of the spec stands for.
_NAMED = ("time", "mem", "mem-per-cpu", "mem-per-gpu", "cpus-per-task", "gpus-per-node")


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def load_profile(name: str) -> ClusterProfile:
    """Return the profile called ``name`` in ``slurm/``, or in the file of that path.

    A name that nothing has, an unknown key, a value that cannot be: ``UserError`` with one line.
    """
    path = profile_path(name)
    profile: ClusterProfile = read_typed(path, ClusterProfile)
    _check(profile, Checker(path))
    return profile


def profile_path(name: str) -> Path:
    """Return the file of the profile ``name``: a key of ``slurm/``, or a path ending in .yaml."""
    if not name:
        raise UserError(
            f"LAUNCHER=slurm needs CLUSTER=<profile>{did_you_mean('', profile_names())}"
        )
    own = Path(name).expanduser()
    if own.suffix in (".yaml", ".yml"):
        if not own.is_file():
            raise UserError(f"CLUSTER: {own}: there is no such file")
        return own
    path = PROFILES / f"{name}.yaml"
    if "/" in name or not path.is_file():
        near = did_you_mean(name, profile_names())
        raise UserError(f"CLUSTER: unknown profile {name!r}{near} or a path that ends in .yaml")
    return path


def profile_names() -> list[str]:
    """Return the keys of the profiles that come with the checkout."""
    return sorted(path.stem for path in PROFILES.glob("*.yaml"))


def job_memory(needed: Resources, profile: ClusterProfile) -> float:
    """Return how many gigabytes a job asks for."""
    return needed.memory_gb if profile.memory_gb is None else profile.memory_gb


def job_resources(needed: Resources, profile: ClusterProfile) -> dict[str, Any]:
    """Return what a job asks ``sbatch`` for: the spec's needs, as the profile changes them."""
    cpus = needed.cpus if profile.cpus is None else profile.cpus
    asked: dict[str, Any] = {
        "mem": f"{round(job_memory(needed, profile) * 1024)}M",
        "cpus_per_task": cpus,
    }
    if needed.gpus and profile.gres:
        asked["gres"] = profile.gres.format(gpus=needed.gpus)
    elif needed.gpus:
        asked["gpus_per_node"] = needed.gpus
    return asked


def _check(profile: ClusterProfile, checker: Checker) -> None:
    for key in ("time_minutes", "parallel", "poll_seconds"):
        checker.require(getattr(profile, key) > 0, key, "must be more than 0")
    for key in ("memory_gb", "cpus"):
        value = getattr(profile, key)
        checker.require(value is None or value > 0, key, "must be more than 0")
    longest = profile.time_minutes * 60
    problem = f"must be from 1 to less than the time limit of {longest} s"
    checker.require(1 <= profile.signal_seconds < longest, "signal_seconds", problem)
    problem = "must say {gpus} for their number, and nothing else in braces"
    checker.require(not profile.gres or _braces(profile.gres) == ["gpus"], "gres", problem)
    for name in profile.environment:
        problem = "is no name of a variable"
        checker.require(bool(_VARIABLE.fullmatch(name)), f"environment.{name}", problem)
    for name, value in profile.sbatch.items():
        problem = "is set by the launcher, or by a key of its own"
        taken = (*_OURS, *_NAMED, *(key for key in vars(profile) if key != "sbatch"))
        checker.require(name.replace("_", "-") not in taken, f"sbatch.{name}", problem)
        simple = isinstance(value, str | int | float) and value is not False
        problem = "must be a text, a number, or true for an option without a value"
        checker.require(simple, f"sbatch.{name}", problem)


def _braces(text: str) -> list[str]:
    """Return what stands in braces; nothing where they do not match."""
    try:
        return [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError:
        return []
