"""Generated sums, column by column, with a test on longer numbers than training has."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from models.language import Batch, Batches
from tasks.scaling.domains.domain import TEST, OfUnknownEntropy, Unlabelled, cut, random_at

EXTRAPOLATION = "extrapolation"
_TEST_ROWS = 512
_TRAIN, _HELD_OUT = 6, 7


@dataclass(frozen=True)
class Mathematics(OfUnknownEntropy, Unlabelled):
    """Written addition from the units on: for each column a digit of a, one of b, and the sum's.

    The loss is that of the sum's digits alone: a carry must be found in the column before. A start
    mark comes first; where it stands is drawn, so that no place in the sequence is new at test.

    ``base``             of the digits
    ``columns``          of training, 1 to so many; ``further_columns``: of the test beyond
    """

    base: int = 3
    context: int = 21
    columns: int = 4
    further_columns: int = 6

    @property
    def vocabulary(self) -> int:
        """The digits, padding, and the start mark."""
        return self.base + 2

    def batches(self, rows: int, seed: int) -> Batches:
        """Return fresh sums for each step."""
        return _Fresh(self, rows, seed)

    def tests(self, seed: int) -> dict[str, list[Batch]]:
        """Return sums of training's lengths, and longer ones."""
        inside = self.drawn(_TEST_ROWS, (1, self.columns), _HELD_OUT, seed)
        longer = (self.further_columns, self.further_columns)
        beyond = self.drawn(_TEST_ROWS, longer, _HELD_OUT, seed, 1)
        return {TEST: cut(inside), EXTRAPOLATION: cut(beyond)}

    def drawn(self, rows: int, columns: tuple[int, int], *numbers: int) -> Batch:
        """Return a batch of sums that depends on the numbers alone."""
        random = random_at(*numbers)
        widest = columns[1]
        own = written(random.integers(0, self.base, (rows, widest, 2)), self.base)
        lengths = random.integers(columns[0], widest + 1, rows)
        starts = random.integers(0, self.context + 1 - 3 * lengths)
        # Place of each token relative to the sum's first digit; the start mark is at −1.
        place = np.arange(self.context + 1) - starts[:, None] - 1
        inside = (place >= 0) & (place < 3 * lengths[:, None])
        digits = np.take_along_axis(own, place.clip(0, 3 * widest - 1), 1)
        tokens = np.where(inside, digits, self.base)
        tokens[place == -1] = self.base + 1
        whole, counted = torch.from_numpy(tokens), torch.from_numpy(inside & (place % 3 == 2))
        return Batch(whole[:, :-1], whole[:, 1:], counted[:, 1:].float())


@dataclass(frozen=True)
class _Fresh:
    domain: Mathematics
    rows: int
    seed: int

    def at(self, step: int) -> Batch:
        """Return the batch of ``step``."""
        return self.domain.drawn(self.rows, (1, self.domain.columns), _TRAIN, self.seed, step)


def written(digits: np.ndarray, base: int) -> np.ndarray:
    """Return columns of digits (rows, columns, 2), units first, with their sums: (rows, 3·columns).

    The last carry is left out: a sum has as many digits as its columns.
    """
    rows, columns, _ = digits.shape
    carry = np.zeros(rows, dtype=np.int64)
    found = np.empty((rows, columns, 3), dtype=np.int64)
    found[:, :, :2] = digits
    for column in range(columns):
        carry, found[:, column, 2] = np.divmod(digits[:, column].sum(1) + carry, base)
    return found.reshape(rows, -1)
