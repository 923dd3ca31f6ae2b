"""One thread, so that timings and results do not hang on the machine's load."""

import os

import pytest
import torch

import losses.gram_tiles
from losses.rows import chunked, linear_chunks

# Triton decides when a kernel is defined whether it is compiled or interpreted.
if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"


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


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of two or three rows and kernel blocks of 16 classes: a few rows need several."""
    monkeypatch.setitem(chunked.CHUNK_ELEMENTS, "cpu", 60)
    monkeypatch.setitem(linear_chunks.LEAST_TOKENS, "cpu", 2)
    monkeypatch.setitem(linear_chunks.CHUNK_ELEMENTS, "cpu", 60)
    try:
        from losses.kernels import launch
    except ImportError:  # without Triton the tests of its backend are skipped
        return
    monkeypatch.setattr(launch, "BLOCK", 16)
