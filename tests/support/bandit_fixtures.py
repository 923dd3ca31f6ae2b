"""Small problems and contexts that the tests of bandits share."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from repro.context import RunContext
from tasks.bandit import Bandit, Problem

TASK = "tasks.bandit.Bandit"


def context(directory: Path, dataset: str = "wine", seed: int = 1000) -> RunContext:
    """Return the context of one trial with a folder of its own."""
    folder = directory / f"{dataset}-{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    return RunContext(TASK, dataset, seed, folder)


def contexts(directory: Path, count: int, dataset: str = "wine") -> list[RunContext]:
    """Return contexts of ``count`` seeds that no table uses."""
    return [context(directory, dataset, seed) for seed in range(1000, 1000 + count)]


def problem(
    streams: int = 2, arms: int = 3, dimension: int = 4, rounds: int = 30, width: int = 6
) -> Problem:
    """Return a small problem."""

    def seed(stream: int, axis: str) -> int:
        return 1000 * stream + sum(axis.encode())

    seeds = tuple(partial(seed, stream) for stream in range(streams))
    return Problem(arms, dimension, rounds, width, replay_steps=20, seeds=seeds)


def unit(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    """Return random rows of length 1, float32."""
    x = np.random.RandomState(seed).standard_normal((count, dimension))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


SMALL = Bandit(hidden_width=8, replay_steps=10)
