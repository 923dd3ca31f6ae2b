"""One thread, no network, and small models."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that REPRO_DATA names, a cache of its own, and no network."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("REPRO_DATA", str(folder))
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OFFLINE", "1")
    return folder
