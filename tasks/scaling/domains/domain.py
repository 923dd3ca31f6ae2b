"""What a domain of data is: an endless or finite source to train on, and fixed tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from models.language import Batch, Batches

#: The name of the test that every domain has; its loss is *the* loss of the domain.
TEST = "test"


class Domain(Protocol):
    """Token sequences of one kind."""

    @property
    def vocabulary(self) -> int:
        """Number of tokens."""

    @property
    def context(self) -> int:
        """Tokens of a sequence that a model reads."""

    def batches(self, rows: int, seed: int) -> Batches:
        """Return the training data, ``rows`` sequences a batch."""

    def tests(self, seed: int) -> Mapping[str, Sequence[Batch]]:
        """Return the test data by name; the one called ``test`` is always there."""

    def true_loss(self, seed: int) -> float | None:
        """Return the true source's own loss on ``test``, nats per counted token, where known."""

    def labelled(self, seed: int) -> Labelled | None:
        """Return data for classification, where sequences have classes."""


class Labelled:
    """Sequences with their classes: to finetune on, and to test on."""

    def __init__(
        self, train: tuple[Tensor, Tensor], test: tuple[Tensor, Tensor], classes: int
    ) -> None:
        self.train, self.test, self.classes = train, test, classes


class Unlabelled:
    """The part of a domain whose sequences have no classes."""

    def labelled(self, seed: int) -> Labelled | None:  # noqa: ARG002
        """Return ``None``."""
        return None


class OfUnknownEntropy:
    """The part of a domain whose source is not known."""

    def true_loss(self, seed: int) -> float | None:  # noqa: ARG002
        """Return ``None``."""
        return None


def random_at(*numbers: int) -> np.random.Generator:
    """Return a generator that depends on the numbers alone."""
    return np.random.default_rng([number % 2**63 for number in numbers])


def guess_loss(test: Sequence[Batch]) -> float:
    """Return the loss of who knows but how often each counted token comes, nats per token."""
    targets = torch.cat([batch.targets.ravel() for batch in test])
    whole = [torch.ones_like(b.targets) if b.weight is None else b.weight for b in test]
    weights = torch.cat([weight.ravel() for weight in whole]).double()
    counts = torch.bincount(targets, weights=weights)
    shares = counts[counts > 0] / counts.sum()
    return -float((shares * shares.log()).sum())


def cut(batch: Batch, rows: int = 128) -> list[Batch]:
    """Return a batch in parts of at most ``rows`` sequences."""
    return list(batch.parts(-(-len(batch.tokens) // rows)))
