"""Accounting: MariaDB on a socket of its own, and slurmdbd between it and the controller."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence

from slurm.devcluster import daemons
from slurm.devcluster.programs import run_client, run_daemon_command
from slurm.devcluster.settings import ClusterPaths

#: Small files and lazy writes: the records of a simulated cluster need not survive a power cut.
_DATABASE_OPTIONS = (
    "--innodb-log-file-size=4M",
    "--innodb-buffer-pool-size=32M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--innodb-lock-wait-timeout=900",
    "--performance-schema=OFF",
)


def start_accounting(paths: ClusterPaths, missing: set[str], prefix: Sequence[str] = ()) -> None:
    """Start what is ``missing`` of ``mariadbd`` and ``slurmdbd``; return when both answer."""
    if "mariadbd" in missing:
        _start_database(paths)
    if "slurmdbd" in missing:
        daemons.start(paths, "slurmdbd", [*prefix, "slurmdbd"])
        daemons.wait_until(
            lambda: run_client(paths, "sacctmgr", "-n", "show", "cluster").returncode == 0,
            paths,
            "slurmdbd",
        )


def _start_database(paths: ClusterPaths) -> None:
    if not paths.database.exists():
        _make_database(paths)
    socket = paths.database_socket
    command = ["mariadbd", "--no-defaults", *_common(paths), f"--socket={socket}"]
    limits = ["--skip-networking", f"--pid-file={paths.database / 'mariadbd.pid'}"]
    daemons.start(paths, "mariadbd", [*command, *limits, *_DATABASE_OPTIONS], stay=True)
    daemons.wait_until(lambda: _answers(paths), paths, "mariadbd")


def _make_database(paths: ClusterPaths) -> None:
    """Make an empty database. Its one account is this user's, known by the socket."""
    log = paths.logs / "mariadb-install-db.log"
    method = [
        "--auth-root-authentication-method=socket",
        f"--auth-root-socket-user={_user()}",
        "--skip-test-db",
        "--skip-name-resolve",
    ]
    command = ["mariadb-install-db", "--no-defaults", *_common(paths), *method]
    if run_daemon_command(paths, [*command, *_DATABASE_OPTIONS], log) != 0:
        raise daemons.did_not_start(paths, "mariadb-install-db")


def _common(paths: ClusterPaths) -> list[str]:
    return [f"--datadir={paths.database}", f"--user={_user()}"]


def _answers(paths: ClusterPaths) -> bool:
    command = ("mariadb", "--no-defaults", f"--socket={paths.database_socket}", "-e", "SELECT 1")
    return run_client(paths, *command).returncode == 0


def _user() -> str:
    return getpass.getuser() if os.geteuid() else "root"
