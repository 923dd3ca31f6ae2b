"""SLURM's programs: found, run as a user would run them, or started as a cluster's daemons."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from repro.errors import UserError
from slurm.devcluster.configuration import user_environment
from slurm.devcluster.processes import MARK, NODE
from slurm.devcluster.settings import ClusterPaths

NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "sinfo")
NEEDED_FOR_ACCOUNTING = (
    "slurmdbd",
    "sacct",
    "sacctmgr",
    "mariadbd",
    "mariadb-install-db",
    "mariadb",
)
#: Where daemons lie; an ordinary user's PATH often leaves these out.
_SYSTEM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
_COMMAND_SECONDS = 60


def missing_programs(*, accounting: bool = False) -> list[str]:
    """Return the programs that a cluster needs and this machine has not."""
    names = NEEDED + (NEEDED_FOR_ACCOUNTING if accounting else ())
    return [name for name in names if shutil.which(name, path=_search_path()) is None]


def check_programs(*, accounting: bool = False) -> None:
    """Refuse to go on without SLURM."""
    if missing := missing_programs(accounting=accounting):
        raise UserError(f"there is no {missing[0]} here: install SLURM with `make system-packages`")


def slurm_version() -> tuple[int, ...]:
    """Return SLURM's version as numbers, such as ``(22, 5, 8)``."""
    path = shutil.which("slurmd", path=_search_path()) or "slurmd"
    shown = subprocess.run([path, "-V"], capture_output=True, text=True, check=True).stdout
    return tuple(int(number) for number in re.findall(r"\d+", shown)[:3])


def run_client(paths: ClusterPaths, *command: str) -> subprocess.CompletedProcess[str]:
    """Run one of SLURM's commands against the cluster, and return what it printed."""
    environment = {**_plain_environment(), **user_environment(paths)}
    return subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=_COMMAND_SECONDS,
    )


def run_daemon_command(
    paths: ClusterPaths, command: Sequence[str], log: Path, *, node: str = "", stay: bool = False
) -> int:
    """Run ``command`` with the cluster's mark, its output into ``log``; return its exit status.

    Daemons go into the background by themselves; ``stay`` says that this one does not, and puts it
    there. Either way its parent is the system, so that it leaves no zombie to its starter.
    """
    words = ("sh", "-c", '"$@" &', "sh", *command) if stay else command
    with log.open("ab") as stream:
        return subprocess.run(
            words,
            cwd=paths.directory,
            env=_daemon_environment(paths, node),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            check=False,
        ).returncode


def _daemon_environment(paths: ClusterPaths, node: str) -> dict[str, str]:
    return {
        **_plain_environment(),
        **user_environment(paths),
        MARK: str(paths.directory),
        # For slurmdbd: it knows no other way to be told of the database's socket.
        "MYSQL_UNIX_PORT": str(paths.database_socket),
        **({NODE: node} if node else {}),
    }


def _plain_environment() -> dict[str, str]:
    """Return this process's environment without what an outer SLURM or cluster put there."""
    kept = {name: value for name, value in os.environ.items() if not _is_of_slurm(name)}
    return {**kept, "PATH": _search_path()}


def _is_of_slurm(name: str) -> bool:
    return (
        name.startswith(("SLURM", "SBATCH_", "SRUN_", "SQUEUE_", "SACCT_", "SINFO_"))
        or name == MARK
    )


def _search_path() -> str:
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return os.pathsep.join(
        [*folders, *(place for place in _SYSTEM_FOLDERS if place not in folders)]
    )
