"""Pairs of sequences with a known mutual information: pictures and captions, in both directions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from models.language import Batch, Batches
from repro.errors import UserError
from tasks.scaling.domains.domain import TEST, Unlabelled, cut, random_at

_TEST_ROWS = 512
_TRAIN, _HELD_OUT, _TABLE, _MIXED = 8, 9, 10, 11


@dataclass(frozen=True)
class PairedSequences(Unlabelled):
    """A picture x of ``length`` random symbols and a caption y of as many words, in a row.

    y_i is the word that a fixed table has for x_i, where each word stands for equally many symbols,
    replaced by a random word with probability ``noise``. Both x and y alone are uniform,
    so that I(x; y) = H(y) − H(y | x) is known exactly, and H(x | y) = H(x) − I(x; y). A caption
    says less than its picture holds: the losses differ by direction, the information does not.

    ``picture_first``  the caption is foretold from the picture; otherwise the picture from the
                       caption. The loss is that of the second alone
    """

    symbols: int = 64
    words: int = 32
    length: int = 10
    noise: float = 0.1
    picture_first: bool = True

    def __post_init__(self) -> None:
        if self.words < 2 or self.symbols % self.words:
            raise UserError(
                f"PairedSequences: {self.symbols} symbols do not divide into {self.words} words"
            )

    @property
    def vocabulary(self) -> int:
        """The symbols, the words, a blank, and the mark between the two sequences."""
        return self.symbols + self.words + 2

    @property
    def blank(self) -> int:
        """What stands at every place of a first sequence that is not shown."""
        return self.symbols + self.words

    @property
    def context(self) -> int:
        """The first sequence, the mark, and the second but for its last token."""
        return 2 * self.length

    @property
    def information(self) -> float:
        """I(x; y), nats per pair."""
        return self.length * (math.log(self.words) - self._word_entropy)

    @property
    def conditional_entropy(self) -> float:
        """H of the second sequence given the first, nats per token."""
        return math.log(self._seconds) - self.information / self.length

    @property
    def caption_entropy(self) -> float:
        """H(y), nats per word."""
        return math.log(self.words)

    @property
    def _seconds(self) -> int:
        """Number of tokens of the kind that is foretold."""
        return self.words if self.picture_first else self.symbols

    @property
    def _chances(self) -> tuple[float, float]:
        """Probability of the word that the table says, and of each other one."""
        wrong = self.noise / self.words
        return 1 - (self.words - 1) * wrong, wrong

    @property
    def _word_entropy(self) -> float:
        """H(y | x), nats per word."""
        right, wrong = self._chances
        return -right * math.log(right) - (self.words - 1) * wrong * math.log(wrong)

    @cached_property
    def _table(self) -> np.ndarray:
        """The word of each symbol, (symbols,)."""
        return random_at(_TABLE).permutation(np.arange(self.symbols) % self.words)

    def batches(self, rows: int, seed: int) -> Batches:
        """Return fresh pairs for each step, all whole."""
        return _Fresh(self, rows, 0, _TRAIN, seed)

    def mixed(self, rows: int, seed: int) -> Batches:
        """Return fresh pairs for each step, the first sequence of one half blank."""
        return _Fresh(self, rows, rows // 2, _MIXED, seed)

    def tests(self, seed: int) -> dict[str, list[Batch]]:
        """Return pairs that training does not see."""
        return {TEST: cut(self.drawn(_TEST_ROWS, 0, _HELD_OUT, seed))}

    def blank_test(self, seed: int) -> list[Batch]:
        """Return the pairs of the test with the first sequence blank."""
        return cut(self.drawn(_TEST_ROWS, _TEST_ROWS, _HELD_OUT, seed))

    def true_loss(self, seed: int) -> float:
        """Return the loss of the true conditional on the test, nats per token."""
        return math.log(self._seconds) - self.tested_information(seed) / self.length

    def tested_information(self, seed: int) -> float:
        """Return the true ln p(x, y) / (p(x) p(y)) of the test's pairs, their mean in nats.

        Its expectation is :attr:`information`; what a model's estimate has of chance, this has too.
        """
        x, y = self._pairs(_TEST_ROWS, random_at(_HELD_OUT, seed))
        right, wrong = self._chances
        hit = float((y == self.clean(x)).mean())
        mean = hit * math.log(right) + (1 - hit) * math.log(wrong)
        return self.length * (math.log(self.words) + mean)

    def drawn(self, rows: int, blank: int, *numbers: int) -> Batch:
        """Return a batch that depends on the numbers alone; ``blank`` pairs have no first part."""
        x, y = self._pairs(rows, random_at(*numbers))
        pictures, captions = x, self.symbols + y
        first, second = (pictures, captions) if self.picture_first else (captions, pictures)
        first[:blank] = self.blank
        mark = np.full((rows, 1), self.blank + 1)
        whole = torch.from_numpy(np.concatenate([first, mark, second], 1))
        weight = torch.zeros(rows, self.context)
        weight[:, self.length :] = 1
        return Batch(whole[:, :-1], whole[:, 1:], weight)

    def clean(self, x: np.ndarray) -> np.ndarray:
        """Return the captions of pictures (rows, length), without noise."""
        found: np.ndarray = self._table[x]
        return found

    def _pairs(self, rows: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        x = random.integers(0, self.symbols, (rows, self.length))
        noisy = random.random(x.shape) < self.noise
        return x, np.where(noisy, random.integers(0, self.words, x.shape), self.clean(x))


@dataclass(frozen=True)
class _Fresh:
    domain: PairedSequences
    rows: int
    blank: int
    part: int
    seed: int

    def at(self, step: int) -> Batch:
        """Return the batch of ``step``."""
        return self.domain.drawn(self.rows, self.blank, self.part, self.seed, step)
