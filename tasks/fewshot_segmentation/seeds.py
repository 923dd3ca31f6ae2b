"""Random generators of the task: of a trial, of a base set, and of what never moves."""

from __future__ import annotations

import hashlib

import numpy as np


def derived_seed(name: str, *parts: object) -> int:
    """Return a seed of 63 bits that depends on its arguments alone.

    The first 8 bytes of SHA-256 of ``tasks.fewshot_segmentation/name/part/…``. Data sets that share
    a base set pass its name, so that they share its networks too.
    """
    text = "/".join(["tasks.fewshot_segmentation", name, *map(str, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(seed: int) -> np.random.RandomState:
    """Return a random generator whose draws NumPy never changes (NEP 19)."""
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))
