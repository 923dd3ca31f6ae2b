"""What a cluster is like, and where its files lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from repro.errors import UserError


@dataclass(frozen=True)
class ClusterSettings:
    """The size and habits of a cluster. Nodes may promise more than the machine has."""

    nodes: int = 4
    cpus_per_node: int = 4
    #: MiB. A job that uses more than it asked for is killed.
    memory_per_node: int = 16000
    #: GPUs that are names only: a job gets CUDA_VISIBLE_DEVICES, and nothing behind it.
    gpus_per_node: int = 2
    max_array_size: int = 1001
    #: How long a preempted job may take to save its state, in seconds.
    grace_seconds: int = 5
    #: How long ``squeue`` still shows a job that has ended, in seconds.
    finished_jobs_seconds: int = 300
    #: With slurmdbd and MariaDB, so that ``sacct`` answers.
    accounting: bool = False

    def __post_init__(self) -> None:
        for name in ("nodes", "cpus_per_node", "memory_per_node", "max_array_size"):
            if getattr(self, name) < 1:
                raise UserError(f"a cluster needs {name} of at least 1, not {getattr(self, name)}")
        if self.gpus_per_node < 0:
            raise UserError(f"gpus_per_node is {self.gpus_per_node}: give 0 or more")

    @property
    def node_names(self) -> tuple[str, ...]:
        """The nodes: ``node1``, ``node2`` and so on."""
        return tuple(f"node{number}" for number in range(1, self.nodes + 1))

    @property
    def default_memory_per_cpu(self) -> int:
        """What a job gets that does not say how much memory it needs, in MiB per CPU."""
        return max(1, self.memory_per_node // self.cpus_per_node)


@dataclass(frozen=True)
class ClusterPaths:
    """All files of a cluster. Paths to sockets must stay short: the system allows 107 bytes."""

    directory: Path

    @property
    def slurm_conf(self) -> Path:
        """SLURM's settings; ``SLURM_CONF`` names it."""
        return self.directory / "slurm.conf"

    @property
    def gres_conf(self) -> Path:
        """The generic GPUs."""
        return self.directory / "gres.conf"

    @property
    def cgroup_conf(self) -> Path:
        """That there are no cgroups."""
        return self.directory / "cgroup.conf"

    @property
    def slurmdbd_conf(self) -> Path:
        """The settings of the accounting daemon."""
        return self.directory / "slurmdbd.conf"

    @property
    def record(self) -> Path:
        """What runs here: settings and the variables that a user needs, as JSON."""
        return self.directory / "cluster.json"

    @property
    def environment(self) -> Path:
        """The same variables, for ``source``."""
        return self.directory / "env"

    @property
    def configuration(self) -> tuple[Path, ...]:
        """All that a start writes into the directory itself."""
        settings = (self.slurm_conf, self.gres_conf, self.cgroup_conf, self.slurmdbd_conf)
        return (*settings, self.environment, self.record)

    @property
    def next_job(self) -> Path:
        """The first job id of the next start: a directory never sees the same id twice."""
        return self.directory / "next_job_id"

    @property
    def munge(self) -> Path:
        """Key, socket and seed of the authentication daemon."""
        return self.directory / "munge"

    @property
    def munge_socket(self) -> Path:
        """Where programs ask for credentials."""
        return self.munge / "munge.sock"

    @property
    def state(self) -> Path:
        """What the controller remembers."""
        return self.directory / "state"

    @property
    def spool(self) -> Path:
        """One folder per node: job scripts and the step daemons' sockets."""
        return self.directory / "spool"

    @property
    def gpus(self) -> Path:
        """The device files of the generic GPUs."""
        return self.directory / "gpu"

    @property
    def database(self) -> Path:
        """MariaDB's data and socket."""
        return self.directory / "database"

    @property
    def database_socket(self) -> Path:
        """Where MariaDB listens."""
        return self.database / "mariadbd.sock"

    @property
    def mark(self) -> Path:
        """Says that this directory is a cluster's, so that its files may be removed."""
        return self.directory / ".devcluster"

    @property
    def logs(self) -> Path:
        """One log per daemon."""
        return self.directory / "logs"


#: The system's limit for the path of a socket, and the longest name that a cluster puts into one.
_LONGEST_SOCKET_PATH = 107
_LONGEST_NAME = "spool/node99/node99_99999999.4294967295"


def cluster_paths(directory: Path | None = None) -> ClusterPaths:
    """Return the paths below ``directory``; without one, below ``KLAIM_CLUSTER`` or the default."""
    # One spelling for one place: processes are told by it.
    chosen = (directory or default_directory()).expanduser().resolve()
    if len(os.fsencode(chosen / _LONGEST_NAME)) > _LONGEST_SOCKET_PATH:
        raise UserError(
            f"{chosen}: too long a path for sockets; name a shorter KLAIM_CLUSTER=<dir>"
        )
    if any(character.isspace() or character in "#'\"[]," for character in str(chosen)):
        raise UserError(f"{chosen}: SLURM takes no such path; name another KLAIM_CLUSTER=<dir>")
    return ClusterPaths(chosen)


def default_directory() -> Path:
    """Return where a cluster lies that nobody gave a place."""
    named = os.environ.get("KLAIM_CLUSTER")
    if named:
        return Path(named)
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(state) / "klaim" / "devcluster"
