"""Tiny language models and batches for tests."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from models.language import Architecture, Batch, build_model

VOCABULARY, CONTEXT = 11, 12


def architecture(family: str = "gpt2", **others: Any) -> Architecture:
    """Return a shape of two layers."""
    given = {"vocabulary": VOCABULARY, "context": CONTEXT, "width": 8, "layers": 2, "heads": 2}
    return Architecture(family, **{**given, **others})  # type: ignore[arg-type]


def tiny(family: str = "gpt2", seed: int = 0, **others: Any) -> nn.Module:
    """Return a model of that shape."""
    return build_model(architecture(family, **others), seed)


class RandomBatches:
    """Batches of random tokens, seeded by the step."""

    def __init__(self, rows: int = 4, weighted: bool = False) -> None:
        self.rows, self.weighted = rows, weighted

    def at(self, step: int) -> Batch:
        """Return the batch of ``step``."""
        generator = torch.Generator().manual_seed(step)
        sequences = torch.randint(VOCABULARY, (self.rows, CONTEXT + 1), generator=generator)
        weight = torch.rand(self.rows, CONTEXT, generator=generator) if self.weighted else None
        return Batch(sequences[:, :-1], sequences[:, 1:], weight)
