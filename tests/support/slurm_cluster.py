"""A real SLURM for tests, in a directory of its own: started once, stopped at the end."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from programs import absent

from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.programs import missing_programs
from slurm.devcluster.settings import ClusterSettings


def require_slurm(*, accounting: bool = False) -> None:
    """Skip the test where SLURM is missing; fail where REQUIRE lists ``slurm``."""
    if missing := missing_programs(accounting=accounting):
        absent("slurm", missing[0], hint="install SLURM with `make system-packages`")


@contextlib.contextmanager
def running_cluster(settings: ClusterSettings | None = None) -> Iterator[DevCluster]:
    """Start a cluster in a new directory with a short name (sockets); stop it, whatever happens."""
    settings = settings or ClusterSettings()
    require_slurm(accounting=settings.accounting)
    with temporary_cluster() as cluster:
        cluster.up(settings)
        yield cluster


@contextlib.contextmanager
def temporary_cluster() -> Iterator[DevCluster]:
    """Give a cluster that does not run yet; whatever runs at the end is stopped."""
    directory = Path(tempfile.mkdtemp(prefix="klaim-cluster-"))
    # Users other than the cluster's own must reach the settings and the sockets.
    directory.chmod(0o755)
    cluster = DevCluster.at(directory)
    try:
        yield cluster
    finally:
        cluster.down()
        shutil.rmtree(directory)
