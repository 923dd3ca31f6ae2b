"""Pairs of sequences with a known mutual information: a picture and its caption, in small."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from models.language import Batch, Batches
from tasks.scaling.domains.domain import TEST, Unlabelled, cut, random_at

BLANK_TEST = "blank"
_TEST_ROWS = 512
_TRAIN, _HELD_OUT, _TABLES = 8, 9, 10


@dataclass(frozen=True)
class PairedSequences(Unlabelled):
    """A picture x of ``length`` random symbols, then a caption y of as many.

    y_i is what a fixed table says of x_i at place i (a permutation of the symbols for each place),
    replaced by a random symbol with probability ``noise``. All of y alone is uniform, so that
    I(x; y) = H(y) − H(y | x) is known exactly. Half of the training pictures are blank, so that a
    model's loss without a picture means something.
    """

    symbols: int = 16
    length: int = 10
    noise: float = 0.1

    @property
    def vocabulary(self) -> int:
        """The symbols, a blank, and the mark between picture and caption."""
        return self.symbols + 2

    @property
    def context(self) -> int:
        """Picture, mark, and the caption but for its last symbol."""
        return 2 * self.length

    @property
    def information(self) -> float:
        """I(x; y), nats per symbol of the caption."""
        return math.log(self.symbols) - self.conditional_entropy

    @property
    def conditional_entropy(self) -> float:
        """H(y | x), nats per symbol."""
        wrong = self.noise / self.symbols
        right = 1 - (self.symbols - 1) * wrong
        return -right * math.log(right) - (self.symbols - 1) * wrong * math.log(wrong)

    @cached_property
    def _tables(self) -> np.ndarray:
        """What a symbol of the picture becomes, (length, symbols)."""
        random = random_at(_TABLES)
        return np.stack([random.permutation(self.symbols) for _ in range(self.length)])

    def batches(self, rows: int, seed: int) -> Batches:
        """Return fresh pairs for each step, half of them with a blank picture."""
        return _Fresh(self, rows, seed)

    def tests(self, seed: int) -> dict[str, list[Batch]]:
        """Return the same pairs twice: with their pictures, and without."""
        shown = self.drawn(_TEST_ROWS, 0, _HELD_OUT, seed)
        hidden = self.drawn(_TEST_ROWS, _TEST_ROWS, _HELD_OUT, seed)
        return {TEST: cut(shown), BLANK_TEST: cut(hidden)}

    def true_loss(self, seed: int) -> float:
        """Return the loss of the true conditional on the test captions."""
        x, y = self._pairs(_TEST_ROWS, random_at(_HELD_OUT, seed))
        wrong = self.noise / self.symbols
        hit = (y == self.clean(x)).mean()
        right = 1 - (self.symbols - 1) * wrong
        return float(-hit * math.log(right) - (1 - hit) * math.log(wrong))

    def drawn(self, rows: int, blank: int, *numbers: int) -> Batch:
        """Return a batch that depends on the numbers alone; the first ``blank`` have no picture."""
        x, y = self._pairs(rows, random_at(*numbers))
        x[:blank] = self.symbols
        mark = np.full((rows, 1), self.symbols + 1)
        whole = torch.from_numpy(np.concatenate([x, mark, y], 1))
        weight = torch.zeros(rows, self.context)
        weight[:, self.length :] = 1
        return Batch(whole[:, :-1], whole[:, 1:], weight)

    def clean(self, x: np.ndarray) -> np.ndarray:
        """Return the captions of pictures (rows, length), without noise."""
        found: np.ndarray = self._tables[np.arange(self.length), x]
        return found

    def _pairs(self, rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = random.integers(0, self.symbols, (rows, self.length))
        noisy = random.random(x.shape) < self.noise
        return x, np.where(noisy, random.integers(0, self.symbols, x.shape), self.clean(x))


@dataclass(frozen=True)
class _Fresh:
    domain: PairedSequences
    rows: int
    seed: int

    def at(self, step: int) -> Batch:
        """Return the batch of ``step``."""
        return self.domain.drawn(self.rows, self.rows // 2, _TRAIN, self.seed, step)
