"""Packed batches: documents end to end in windows of one length, and no token is lost."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from models.language.batches import Batch
from repro.errors import UserError


def pack(documents: Iterable[Sequence[int]], separator: int) -> Tensor:
    """Return the tokens of all documents, (tokens,), with ``separator`` before and after each."""
    parts = [np.array([separator])]
    for document in documents:
        parts += [np.asarray(document, dtype=np.int64), np.array([separator])]
    return torch.from_numpy(np.concatenate(parts).astype(np.int64))


@dataclass(frozen=True)
class PackedBatches:
    """Windows of ``context`` tokens of a stream, in an order that ``seed`` and step alone decide.

    Every token of the stream but the first is a target once in each pass. The last window reaches
    back for its length; what it shares with the one before has weight 0 there.

    ``stream``      (tokens,); windows may look back over the end of a document
    ``batch_size``  windows a batch; one may hold the end of a pass and the start of the next
    """

    stream: Tensor
    context: int
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        if len(self.stream) <= self.context:
            raise UserError(
                f"the corpus has {len(self.stream)} tokens; a window of {self.context} tokens "
                f"needs {self.context + 1}: give more text or a shorter context"
            )

    @property
    def windows(self) -> int:
        """Windows in a pass."""
        return -(-(len(self.stream) - 1) // self.context)

    def at(self, step: int) -> Batch:
        """Return the batch of ``step``."""
        places = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        passes, within = np.divmod(places, self.windows)
        numbers = [
            _order(self.windows, self.seed, int(which))[place]
            for which, place in zip(passes, within, strict=True)
        ]
        return self._batch(np.array(numbers))

    def in_order(self) -> Iterator[Batch]:
        """Yield one pass in the stream's order; the last batch may be smaller."""
        for start in range(0, self.windows, self.batch_size):
            yield self._batch(np.arange(start, min(start + self.batch_size, self.windows)))

    def _batch(self, numbers: np.ndarray) -> Batch:
        last = len(self.stream) - 1 - self.context
        starts = torch.from_numpy(np.minimum(numbers * self.context, last))
        places = starts[:, None] + torch.arange(self.context)
        tokens, targets = self.stream[places], self.stream[places + 1]
        shared = (self.windows - 1) * self.context - last
        tail = np.flatnonzero(numbers == self.windows - 1)
        if not shared or not len(tail):
            return Batch(tokens, targets)
        weight = torch.ones(tokens.shape)
        weight[torch.from_numpy(tail), :shared] = 0.0
        return Batch(tokens, targets, weight)


@lru_cache(maxsize=8)
def _order(windows: int, seed: int, which: int) -> np.ndarray:
    """Return the order of the windows in pass ``which``."""
    return np.random.default_rng([seed, which]).permutation(windows)
