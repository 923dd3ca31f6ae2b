"""One thread, so that timings and results do not hang on the machine's load."""

import pytest
import torch

import losses.gram_tiles


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def small_tiles(monkeypatch):
    """Tiles of a few rows, so that a handful of samples needs several, the last one shorter."""
    monkeypatch.setattr(losses.gram_tiles, "TILE_ELEMENTS", 24)
