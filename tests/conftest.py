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


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As in the harness: on a busy machine threads of tiny products mostly wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that REPRO_DATA names, a cache of its own, and no network."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("REPRO_DATA", str(folder))
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OFFLINE", "1")
    return folder
