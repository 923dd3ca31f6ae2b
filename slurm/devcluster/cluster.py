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
from repro.files import make_directory, write_text
from repro.trials.lock import claimed
from slurm.devcluster import daemons, processes
from slurm.devcluster.accounting import start_accounting
from slurm.devcluster.configuration import (
    Ports,
    Record,
    first_job_id,
    read_record,
    user_environment,
    write_configuration,
)
from slurm.devcluster.loopback import find_loopback, reserved_ports
from slurm.devcluster.programs import check_programs, run_client, slurm_version
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
    def record(self) -> Record:
        """What it was started with. Where there is no cluster: ``UserError``."""
        record = read_record(self.paths)
        if record is None:
            directory = self.paths.directory
            raise UserError(f"no cluster in {directory}: start one with `make cluster-up`")
        return record

    @property
    def settings(self) -> ClusterSettings:
        """Its size and habits."""
        return self.record.settings

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run one of SLURM's commands against this cluster, and return what it printed."""
        return run_client(self.paths, *command)

    def up(self, settings: ClusterSettings) -> bool:
        """Start what does not run; say whether that was anything. On return nodes take jobs."""
        check_programs(accounting=settings.accounting)
        with self._locked():
            running, record = daemons.running(self.paths), read_record(self.paths)
            if not running or record is None:
                self._start_afresh(settings)
                return True
            if record.settings != settings:
                raise UserError(_other_settings(self.paths, record.settings, settings))
            missing = _expected(settings) - running
            self._start_daemons(record, missing)
            return bool(missing)

    def down(self) -> bool:
        """End every process of the cluster, jobs too; say whether there was one. Logs stay."""
        if not self.paths.directory.is_dir() and not processes.cluster_processes(self.paths):
            return False
        with self._locked():
            return self._stop()

    def wait_for_nodes(self, names: Sequence[str]) -> None:
        """Wait until these nodes take jobs."""
        needed = [daemons.node_daemon(name) for name in names]
        daemons.wait_until(lambda: self._take_jobs(names), self.paths, *needed)

    def _start_afresh(self, settings: ClusterSettings) -> None:
        """Start a cluster that remembers nothing; if that fails, leave nothing of it running."""
        loopback = find_loopback()
        self._stop()
        _remove(self.paths.logs)
        try:
            with reserved_ports(loopback.address, settings.nodes + 2) as free:
                record = Record(settings, loopback)
                ports = _share_out(settings, free)
                write_configuration(self.paths, record, ports, slurm_version())
                self._start_daemons(record, _expected(settings))
        except BaseException:
            self._stop()
            raise

    def _start_daemons(self, record: Record, missing: set[str]) -> None:
        settings, prefix = record.settings, record.loopback.prefix
        if "munged" in missing:
            daemons.start_munge(self.paths)
        if settings.accounting:
            start_accounting(self.paths, missing, prefix)
        if "slurmctld" in missing:
            daemons.start_controller(self.paths, prefix)
        nodes = [node for node in settings.node_names if daemons.node_daemon(node) in missing]
        for node in nodes:
            daemons.start_node(self.paths, node, prefix)
        if nodes:
            self.wait_for_nodes(nodes)

    def _stop(self) -> bool:
        found = bool(processes.cluster_processes(self.paths))
        if found:
            write_text(self.paths.next_job, f"{self._next_job_id()}\n")
        processes.end(lambda: processes.cluster_processes(self.paths), patience=_STOP_SECONDS)
        _clear(self.paths)
        return found

    def _next_job_id(self) -> int:
        # Without settings or controller, the command would look and wait for them.
        answers = self.paths.slurm_conf.exists() and daemons.controller_answers(self.paths)
        shown = self.run("scontrol", "show", "config").stdout if answers else ""
        told = re.search(r"^NEXT_JOB_ID\s*=\s*(\d+)", shown, re.MULTILINE)
        return int(told[1]) if told else first_job_id(self.paths) + _UNKNOWN_JOBS

    def _take_jobs(self, names: Sequence[str]) -> bool:
        command = ("sinfo", "-h", "-N", "-p", "normal", "-n", ",".join(names), "-o", "%T")
        states = self.run(*command).stdout.split()
        ready = {"idle", "mixed", "allocated", "completing", "planned"}
        return len(states) == len(names) and ready.issuperset(states)

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time start or stop this cluster."""
        directory, mark = self.paths.directory, self.paths.mark
        make_directory(directory)
        if any(directory.iterdir()) and not mark.exists():
            raise UserError(f"{directory} holds other files: name an empty KLAIM_CLUSTER=<dir>")
        write_text(mark, "The files here are those of a cluster for development.\n")
        with claimed(mark.with_name(".starting")):
            yield


def _expected(settings: ClusterSettings) -> set[str]:
    accounting = {"mariadbd", "slurmdbd"} if settings.accounting else set()
    return {"munged", "slurmctld", *accounting, *map(daemons.node_daemon, settings.node_names)}


def _share_out(settings: ClusterSettings, free: Sequence[int]) -> Ports:
    controller, accounting, *others = free
    return Ports(controller, accounting, dict(zip(settings.node_names, others, strict=True)))


def _other_settings(paths: ClusterPaths, ours: ClusterSettings, asked: ClusterSettings) -> str:
    wanted = asdict(asked)
    differing = {name: value for name, value in asdict(ours).items() if wanted[name] != value}
    return (
        f"the cluster in {paths.directory} runs with other settings ({json.dumps(differing)}): "
        "`make cluster-down` first"
    )


def _clear(paths: ClusterPaths) -> None:
    """Remove what a stopped cluster leaves, but for its logs."""
    for folder in (paths.munge, paths.state, paths.spool, paths.gpus, paths.database):
        _remove(folder)
    for file in (*paths.configuration, *paths.directory.glob("*.pid")):
        file.unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
