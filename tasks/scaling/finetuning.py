"""A generative model finetuned to classify: mean of the last layer, a new linear head."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from losses import cross_entropy
from models.language import hidden_states
from tasks.scaling.domains import Labelled

_BATCH = 32


class Classified(NamedTuple):
    """Mean loss in nats, and the share of wrong answers, on test data."""

    loss: float
    error_rate: float


def finetuned(
    model: nn.Module, data: Labelled, steps: int, learning_rate: float, seed: int
) -> Classified:
    """Train all weights and a new head on ``data``; return how well test sequences are classified.

    The rate falls linearly. The model's weights change.
    """
    generator = torch.Generator().manual_seed(seed % 2**63)
    device = next(model.parameters()).device
    width = hidden_states(model, data.train[0][:1].to(device)).shape[-1]
    head = nn.Linear(width, data.classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    head.to(device)
    optimizer = torch.optim.AdamW([*model.parameters(), *head.parameters()], fused=True)
    model.train()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate * (1 - step / steps)
        rows = torch.randint(len(data.train[0]), (_BATCH,), generator=generator)
        loss = cross_entropy(
            _logits(model, head, data.train[0][rows]), data.train[1][rows].to(device)
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return _tested(model, head, data)


@torch.no_grad()
def _tested(model: nn.Module, head: nn.Linear, data: Labelled) -> Classified:
    model.eval()
    logits = _logits(model, head, data.test[0])
    truth = data.test[1].to(logits.device)
    wrong = (logits.argmax(-1) != truth).float().mean()
    return Classified(float(cross_entropy(logits, truth)), float(wrong))


def _logits(model: nn.Module, head: nn.Linear, tokens: Tensor) -> Tensor:
    logits: Tensor = head(hidden_states(model, tokens.to(head.weight.device)).mean(1))
    return logits
