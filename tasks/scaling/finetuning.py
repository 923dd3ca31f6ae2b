"""A generative model finetuned to classify: mean of the last layer, a new linear head."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from losses import cross_entropy
from models.language import hidden_states, output_weight
from models.language.precision import Precision, autocast, gradient_scaler
from tasks.scaling.domains import Labelled

#: Tokens that gradients are taken of at once, and tokens that are classified at once.
_PASS_TOKENS, _TESTED_TOKENS = 2**14, 2**16


class Classified(NamedTuple):
    """Mean loss in nats, and the share of wrong answers, on test data."""

    loss: float
    error_rate: float


def finetuned(
    model: nn.Module,
    data: Labelled,
    steps: int,
    learning_rate: float,
    seed: int,
    rows: int = 32,
    precision: Precision = "float32",
) -> Classified:
    """Train all weights and a new head on ``data``; return how well test sequences are classified.

    A batch has ``rows`` sequences. The rate falls linearly. The model's weights change.
    """
    generator = torch.Generator().manual_seed(seed % 2**63)
    head = nn.Linear(output_weight(model).shape[1], data.classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    head.to(next(model.parameters()).device)
    optimizer = torch.optim.AdamW([*model.parameters(), *head.parameters()], fused=True)
    scaler = gradient_scaler(precision)
    model.train()
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = learning_rate * (1 - step / steps)
        drawn = torch.randint(len(data.train[0]), (rows,), generator=generator)
        optimizer.zero_grad(set_to_none=True)
        for part in torch.split(drawn, _at_once(data, _PASS_TOKENS)):
            with autocast(precision, head.weight.device.type):
                logits = _logits(model, head, data.train[0][part])
                truth = data.train[1][part].to(logits.device)
                loss = cross_entropy(logits, truth, denominator=float(rows))
            scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.step(optimizer)
        scaler.update()
    return _tested(model, head, data)


@torch.no_grad()
def _tested(model: nn.Module, head: nn.Linear, data: Labelled) -> Classified:
    model.eval()
    parts = torch.split(data.test[0], _at_once(data, _TESTED_TOKENS))
    logits = torch.cat([_logits(model, head, part) for part in parts])
    truth = data.test[1].to(logits.device)
    wrong = (logits.argmax(-1) != truth).float().mean()
    return Classified(float(cross_entropy(logits, truth)), float(wrong))


def _at_once(data: Labelled, tokens: int) -> int:
    """Return how many sequences have so many tokens."""
    return max(1, tokens // data.train[0].shape[1])


def _logits(model: nn.Module, head: nn.Linear, tokens: Tensor) -> Tensor:
    # Images are kept as bytes: as numbers of 64 bits, a million would not fit in memory.
    read = tokens.to(head.weight.device, torch.int64)
    logits: Tensor = head(hidden_states(model, read).mean(1))
    return logits
