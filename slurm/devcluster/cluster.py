"""One cluster: its start, its end, and how it is asked."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from repro.errors import UserError
from repro.files import make_directory, read_json, write_text
from repro.lock import claimed
from slurm.devcluster import daemons, processes
from slurm.devcluster.accounting import start_accounting
from slurm.devcluster.configuration import (
    Ports,
    first_job_id,
    user_environment,
    write_configuration,
)
from slurm.devcluster.loopback import Loopback, find_loopback, reserved_ports
from slurm.devcluster.programs import check_programs, run_client
from slurm.devcluster.settings import ClusterPaths, ClusterSettings, cluster_paths

#: How long jobs and daemons may take to end by themselves, in seconds.
_STOP_SECONDS = 3.0
#: Ids to leave out where the controller could not be asked for the next one.
_UNKNOWN_JOBS = 100_000


@dataclass(frozen=True)
class DevCluster:
    """The cluster in ``paths.directory``; whether it runs is asked of the system each time."""

    paths: ClusterPaths

    @classmethod
    def at(cls, directory: Path | None = None) -> DevCluster:
        """Return the cluster in ``directory``; without one, in the default place."""
        return cls(cluster_paths(directory))

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which SLURM's commands talk to this cluster."""
        return user_environment(self.paths)

    @property
    def settings(self) -> ClusterSettings:
        """What it was last started with."""
        record = read_json(self.paths.record)
        if record is None:
            raise UserError(
                f"no cluster runs in {self.paths.directory}: start one with `make cluster-up`"
            )
        return ClusterSettings(**record["settings"])

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one of SLURM's commands against this cluster, and return what it printed."""
        return run_client(self.paths, *command)

    def up(self, settings: ClusterSettings) -> bool:
        """Start what does not run; say whether that was anything. On return nodes take jobs."""
        check_programs(accounting=settings.accounting)
        with self._locked():
            running = daemons.daemons(self.paths)
            if running and self.settings != settings:
                raise UserError(_other_settings(self.paths, self.settings, settings))
            missing = _expected(settings) - running
            if missing:
                self._start(settings, missing, fresh=not running)
            return bool(missing)

    def down(self) -> bool:
        """End every process of the cluster, jobs too; say whether there was one. Logs stay."""
        if not self.paths.directory.is_dir():
            return False
        with self._locked():
            return self._stop()

    def wait_for_nodes(self, names: Sequence[str]) -> None:
        """Wait until these nodes take jobs."""
        log = self.paths.logs / "slurmctld.log"
        daemons.wait_until(lambda: self._take_jobs(names), "a node", log)

    def _start(self, settings: ClusterSettings, missing: set[str], *, fresh: bool) -> None:
        loopback = find_loopback()
        try:
            if fresh:
                self._start_afresh(settings, loopback)
            else:
                self._start_daemons(settings, missing, loopback)
            self.wait_for_nodes(settings.node_names)
        except BaseException:
            if fresh:
                self._stop()
            raise

    def _start_afresh(self, settings: ClusterSettings, loopback: Loopback) -> None:
        _clear(self.paths, logs=True)
        with reserved_ports(loopback.address, settings.nodes + 2) as (
            controller,
            accounting,
            *rest,
        ):
            nodes = dict(zip(settings.node_names, rest, strict=True))
            ports = Ports(loopback.address, controller, accounting, nodes)
            write_configuration(self.paths, settings, ports)
            self._start_daemons(settings, _expected(settings), loopback)

    def _start_daemons(
        self, settings: ClusterSettings, missing: set[str], loopback: Loopback
    ) -> None:
        if "munged" in missing:
            daemons.start_munge(self.paths)
        if settings.accounting:
            start_accounting(self.paths, missing, loopback.prefix)
        if "slurmctld" in missing:
            daemons.start_controller(self.paths, loopback.prefix)
        for node in settings.node_names:
            if f"slurmd-{node}" in missing:
                daemons.start_node(self.paths, node, loopback.prefix)

    def _stop(self) -> bool:
        found = bool(processes.cluster_processes(self.paths))
        if found:
            write_text(self.paths.next_job, f"{self._next_job_id()}\n")
        processes.end(lambda: processes.cluster_processes(self.paths), patience=_STOP_SECONDS)
        _clear(self.paths, logs=False)
        return found

    def _next_job_id(self) -> int:
        shown = self.run("scontrol", "show", "config").stdout
        told = re.search(r"^NEXT_JOB_ID\s*=\s*(\d+)", shown, re.MULTILINE)
        return int(told[1]) if told else first_job_id(self.paths) + _UNKNOWN_JOBS

    def _take_jobs(self, names: Sequence[str]) -> bool:
        command = ("sinfo", "-h", "-N", "-p", "normal", "-n", ",".join(names), "-o", "%T")
        states = self.run(*command).stdout.split()
        ready = {"idle", "mixed", "allocated", "completing"}
        return len(states) == len(names) and ready.issuperset(states)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time start or stop this cluster."""
        directory = self.paths.directory
        if directory.is_dir() and any(directory.iterdir()) and not self.paths.mark.exists():
            raise UserError(f"{directory} holds other files: name an empty KLAIM_CLUSTER=<dir>")
        make_directory(directory)
        self.paths.mark.touch()
        with claimed(self.paths.mark.with_name(".starting")):
            yield


def _expected(settings: ClusterSettings) -> set[str]:
    accounting = {"mariadbd", "slurmdbd"} if settings.accounting else set()
    return {"munged", "slurmctld", *accounting, *(f"slurmd-{node}" for node in settings.node_names)}


def _other_settings(paths: ClusterPaths, ours: ClusterSettings, asked: ClusterSettings) -> str:
    differing = {
        name: value for name, value in asdict(ours).items() if asdict(asked)[name] != value
    }
    return (
        f"the cluster in {paths.directory} runs with other settings ({json.dumps(differing)}): "
        "`make cluster-down` first"
    )


def _clear(paths: ClusterPaths, *, logs: bool) -> None:
    """Remove what a stopped cluster leaves; its logs only where that is asked for."""
    folders = (paths.munge, paths.state, paths.spool, paths.gpus, paths.database)
    for folder in folders + ((paths.logs,) if logs else ()):
        if folder.exists():
            shutil.rmtree(folder)
    files = (
        paths.slurm_conf,
        paths.gres_conf,
        paths.slurmdbd_conf,
        paths.environment,
        paths.record,
    )
    for file in (*files, *paths.directory.glob("*.pid")):
        file.unlink(missing_ok=True)
