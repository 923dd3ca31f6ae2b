"""Random generators whose draws never change: what a trial sees must not move because NumPy did."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int) -> np.random.RandomState:
    """Return a random generator for ``seed`` (64 bits).

    NumPy never changes what ``RandomState`` draws (NEP 19), unlike ``Generator``.
    """
    return np.random.RandomState(np.random.MT19937(np.random.SeedSequence(seed)))


def fixed_seed(text: str) -> int:
    """Return the seed of what is the same in every trial: the first 8 bytes of SHA-256."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
