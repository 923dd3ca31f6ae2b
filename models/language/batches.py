"""Batches of token sequences: what one is, how it is cut, and where training gets them from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Batch(NamedTuple):
    """B sequences of T tokens with what comes next.

    ``tokens``   (B, T): what the model reads
    ``targets``  (B, T): the token after each
    ``weight``   (B, T): how much each target counts; ``None``: all count 1
    ``mask``     (B, T): 0 where a token is padding; ``None``: nothing is
    """

    tokens: Tensor
    targets: Tensor
    weight: Tensor | None = None
    mask: Tensor | None = None

    def to(self, device: str | torch.device) -> Batch:
        """Return the batch on ``device``."""
        return self.each(lambda part: part.to(device))

    def each(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """Return the batch with ``change`` applied to every part that is there."""
        weight = None if self.weight is None else change(self.weight)
        mask = None if self.mask is None else change(self.mask)
        return Batch(change(self.tokens), change(self.targets), weight, mask)

    def rows(self, which: slice) -> Batch:
        """Return some of the sequences."""
        return self.each(lambda part: part[which])

    def total(self) -> Tensor | float:
        """Return the sum of the targets' weights."""
        return float(self.targets.numel()) if self.weight is None else self.weight.sum()

    def parts(self, count: int) -> Iterator[Batch]:
        """Yield the batch in ``count`` parts of as equal a number of sequences as possible."""
        rows = len(self.tokens)
        edges = [rows * place // count for place in range(count + 1)]
        for low, high in pairwise(edges):
            if high > low:
                yield self.rows(slice(low, high))


class Batches(Protocol):
    """A source of batches that depends on the step alone, so that a resumed run sees the same."""

    def at(self, step: int) -> Batch:
        """Return the batch of ``step``, counted from 0."""


def shifted(sequences: Tensor) -> Batch:
    """Return the batch of whole sequences (B, T + 1): each token's target is the next one."""
    return Batch(sequences[:, :-1], sequences[:, 1:])


def padded(sequences: Sequence[Sequence[int]], counted: Sequence[Sequence[bool]]) -> Batch:
    """Return sequences of unlike lengths as one batch, padded on the right.

    ``counted`` says of each token, the first too, whether it counts as a target: in supervised
    finetuning, those of the answer. Raises ``ValueError`` where lengths do not fit.
    """
    if [len(s) for s in sequences] != [len(c) for c in counted]:
        raise ValueError("counted must say of every token of every sequence whether it counts")
    if not sequences or max(len(s) for s in sequences) < 2:
        raise ValueError("a batch needs a sequence of at least two tokens")
    longest = max(len(s) for s in sequences)
    tokens = torch.zeros(len(sequences), longest, dtype=torch.int64)
    weight = torch.zeros(len(sequences), longest)
    mask = torch.zeros(len(sequences), longest, dtype=torch.int64)
    for row, (sequence, counts) in enumerate(zip(sequences, counted, strict=True)):
        tokens[row, : len(sequence)] = torch.tensor(sequence)
        weight[row, : len(sequence)] = torch.tensor(counts, dtype=torch.float32)
        mask[row, : len(sequence)] = 1
    return Batch(tokens[:, :-1], tokens[:, 1:], weight[:, 1:], mask[:, :-1])
