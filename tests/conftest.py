"""Fixtures that tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from checkout import Checkout, make_checkout
from slurm_cluster import running_cluster

from slurm.devcluster.cluster import DevCluster

pytest_plugins = ("fault_table",)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout of the harness with a toy paper, and an empty results folder."""
    return make_checkout(tmp_path / "checkout")


@pytest.fixture(scope="session")
def slurm_cluster() -> Iterator[DevCluster]:
    """A running SLURM of four nodes with two GPUs each; tests of one process share it."""
    with running_cluster() as cluster:
        yield cluster
