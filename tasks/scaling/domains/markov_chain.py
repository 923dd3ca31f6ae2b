"""A second-order Markov chain: its entropy is known, so a fitted constant has a truth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch

from models.language import Batch, Batches, shifted
from models.language.corpora import MarkovSource
from tasks.scaling.domains.domain import TEST, Unlabelled, cut, random_at

_TEST_ROWS = 512
_TRAIN, _HELD_OUT = 1, 2


@dataclass(frozen=True)
class MarkovChain(Unlabelled):
    """Stretches of the source; each seed draws a source of its own.

    ``joint``  how much of the next token's logit only both earlier tokens together say
    """

    vocabulary: int = 24
    context: int = 32
    source_seed: int = 0
    joint: float = 1.0

    @cached_property
    def source(self) -> MarkovSource:
        """The source."""
        return MarkovSource.drawn(self.vocabulary, self.source_seed, joint=self.joint)

    def batches(self, rows: int, seed: int) -> Batches:
        """Return fresh stretches for each step."""
        return _Fresh(self, rows, seed)

    def tests(self, seed: int) -> dict[str, list[Batch]]:
        """Return stretches that training does not see."""
        return {TEST: cut(self.drawn(_TEST_ROWS, _HELD_OUT, seed))}

    def true_loss(self, seed: int) -> float:
        """Return the source's mean loss on the test tokens; the first of a stretch is given."""
        tokens = random_at(_HELD_OUT, seed)
        sequences = self.source.sample(_TEST_ROWS, self.context + 1, tokens)
        return float(self.source.token_losses(sequences)[:, 1:].mean())

    def drawn(self, rows: int, *numbers: int) -> Batch:
        """Return a batch that depends on the numbers alone."""
        sequences = self.source.sample(rows, self.context + 1, random_at(*numbers))
        return shifted(torch.from_numpy(sequences))


@dataclass(frozen=True)
class _Fresh:
    domain: MarkovChain
    rows: int
    seed: int

    def at(self, step: int) -> Batch:
        """Return the batch of ``step``."""
        return self.domain.drawn(self.rows, _TRAIN, self.seed, step)
