"""Writing a cluster's settings in the forms that its daemons read."""

from __future__ import annotations

import getpass
import os
import secrets
import shlex
from dataclasses import asdict, dataclass
from typing import Any

import jinja2

from repro.files import make_directory, read_json, write_bytes, write_json, write_text
from slurm.devcluster.loopback import Loopback
from slurm.devcluster.settings import ClusterPaths, ClusterSettings

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("slurm.devcluster"),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,
)


@dataclass(frozen=True)
class Ports:
    """The TCP ports of a cluster's daemons."""

    controller: int
    accounting: int
    nodes: dict[str, int]


@dataclass(frozen=True)
class Record:
    """What a cluster was started with."""

    settings: ClusterSettings
    loopback: Loopback


def write_configuration(
    paths: ClusterPaths, record: Record, ports: Ports, version: tuple[int, ...]
) -> None:
    """Write all that the daemons of this version of SLURM read, and what a user needs."""
    settings = record.settings
    values = {
        "paths": paths,
        "settings": settings,
        "user": getpass.getuser() if os.geteuid() else "root",
        "address": record.loopback.address,
        "controller_port": ports.controller,
        "accounting_port": ports.accounting,
        "node_ports": ports.nodes,
        "version": version,
        "first_job_id": first_job_id(paths),
    }
    _write_keys_and_devices(paths, settings)
    _render("slurm.conf", paths, values)
    _render("gres.conf", paths, values)
    _render("cgroup.conf", paths, values)
    if settings.accounting:
        _render("slurmdbd.conf", paths, values)
        # slurmdbd refuses a file that others may read.
        paths.slurmdbd_conf.chmod(0o600)
    _write_record(paths, record)


def read_record(paths: ClusterPaths) -> Record | None:
    """Return what the cluster was started with; ``None`` where there is none."""
    content = read_json(paths.record)
    if content is None:
        return None
    try:
        loopback = Loopback(content["loopback"]["address"], tuple(content["loopback"]["prefix"]))
        return Record(ClusterSettings(**content["settings"]), loopback)
    except (KeyError, TypeError):
        # Written by another version: as good as none.
        return None


def first_job_id(paths: ClusterPaths) -> int:
    """Return the first id that no job in this directory has had."""
    try:
        return int(paths.next_job.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return 1


def user_environment(paths: ClusterPaths) -> dict[str, str]:
    """Return the variables with which SLURM's commands talk to this cluster."""
    return {"SLURM_CONF": str(paths.slurm_conf)}


def _write_keys_and_devices(paths: ClusterPaths, settings: ClusterSettings) -> None:
    for folder in (paths.munge, paths.state, paths.spool, paths.gpus, paths.logs):
        make_directory(folder)
    key = paths.munge / "munge.key"
    write_bytes(key, secrets.token_bytes(128))
    key.chmod(0o400)
    for number in range(settings.gpus_per_node):
        # SLURM sets CUDA_VISIBLE_DEVICES for device files only; this one does nothing.
        (paths.gpus / f"nvidia{number}").symlink_to("/dev/null")


def _render(name: str, paths: ClusterPaths, values: dict[str, Any]) -> None:
    text = _TEMPLATES.get_template(f"{name}.j2").render(values)
    write_text(paths.directory / name, text)


def _write_record(paths: ClusterPaths, record: Record) -> None:
    variables = user_environment(paths)
    lines = (f"export {name}={shlex.quote(value)}\n" for name, value in variables.items())
    write_text(paths.environment, "".join(lines))
    place = {"directory": str(paths.directory), "environment": variables}
    write_json(paths.record, {**place, **asdict(record)})
