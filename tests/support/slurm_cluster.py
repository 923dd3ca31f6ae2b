"""A real SLURM for tests, in a directory of its own: started once, stopped at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm.devcluster.cluster import DevCluster
from slurm.devcluster.programs import missing_programs
from slurm.devcluster.settings import ClusterSettings

HINT = "install SLURM with `make system-packages`"


def require_slurm(*, accounting: bool = False) -> None:
    """Skip the test where SLURM is missing; fail where REQUIRE lists ``slurm``."""
    missing = missing_programs(accounting=accounting)
    if not missing:
        return
    message = f"needs {missing[0]}: {HINT}"
    if "slurm" in os.environ.get("REQUIRE", "").split(","):
        pytest.fail(f"REQUIRE names slurm, but there is none: {message}")
    pytest.skip(message)


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
