"""Handwritten digits of 8 × 8 pixels in raster order, bundled with scikit-learn."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch

from models.language import Batch, Batches, shifted
from tasks.scaling.domains.domain import TEST, Labelled, OfUnknownEntropy, cut, random_at

LEVELS, SIDE, CLASSES = 17, 8, 10
#: Every image starts with this token.
START = LEVELS
_TEST_SHARE = 0.2
_SPLIT, _TRAIN = 3, 4


@dataclass(frozen=True)
class Digits(OfUnknownEntropy):
    """Images as sequences of a start token and 64 grey levels; the seed splits the 1,797 images.

    Training images are shifted by up to one pixel each way at random, because so few overfit.
    """

    vocabulary: int = LEVELS + 1
    context: int = SIDE * SIDE

    def batches(self, rows: int, seed: int) -> Batches:
        """Return images in a random order, shifted at random."""
        return _Shifted(_split(seed)[0], rows, seed)

    def tests(self, seed: int) -> dict[str, list[Batch]]:
        """Return the images that are held out, as they are."""
        images, own = _images()[0], _split(seed)[1]
        return {TEST: cut(shifted(sequences(images[own])))}

    def labelled(self, seed: int) -> Labelled:
        """Return images with their digits, split and cut to the context as for generation."""
        images, digits = _images()
        train, test = (
            (sequences(images[own])[:, :-1], torch.from_numpy(digits[own])) for own in _split(seed)
        )
        return Labelled(train, test, CLASSES)


@dataclass(frozen=True)
class _Shifted:
    numbers: np.ndarray
    rows: int
    seed: int

    def at(self, step: int) -> Batch:
        """Return the batch of ``step``."""
        random = random_at(_TRAIN, self.seed, step)
        images = _images()[0][random.choice(self.numbers, self.rows, replace=False)]
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
        down, right = random.integers(0, 3, (2, self.rows))
        rows, columns = down[:, None] + np.arange(SIDE), right[:, None] + np.arange(SIDE)
        own = np.arange(self.rows)[:, None, None]
        return shifted(sequences(padded[own, rows[:, :, None], columns[:, None, :]]))


def sequences(images: np.ndarray) -> torch.Tensor:
    """Return images (n, 8, 8) as tokens (n, 65)."""
    flat = torch.from_numpy(np.ascontiguousarray(images)).reshape(len(images), -1)
    return torch.cat([torch.full((len(flat), 1), START), flat], 1)


@lru_cache(maxsize=1)
def _images() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    found = load_digits()
    return found.images.astype(np.int64), found.target.astype(np.int64)


def _split(seed: int) -> tuple[np.ndarray, np.ndarray]:
    order = random_at(_SPLIT, seed).permutation(len(_images()[0]))
    held_out = round(_TEST_SHARE * len(order))
    return order[held_out:], order[:held_out]
