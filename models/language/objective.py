"""The loss of the next token, of a batch or of a whole data set."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from losses import cross_entropy, linear_cross_entropy
from models.language.architectures import hidden_states, output_weight
from models.language.batches import Batch

#: model, batch, denominator → the batch's loss: a sum over its tokens, divided by the denominator.
Objective = Callable[[nn.Module, Batch, "Tensor | float"], Tensor]

#: Logits of more numbers than this are made a chunk of tokens at a time.
_WHOLE = 2**24


def next_token_loss(model: nn.Module, batch: Batch, denominator: Tensor | float) -> Tensor:
    """Return Σ weight · −log q(target) / ``denominator``, in nats."""
    hidden = hidden_states(model, batch.tokens, batch.mask)
    head = output_weight(model)
    if batch.targets.numel() * len(head) > _WHOLE:
        return linear_cross_entropy(
            hidden, head, batch.targets, token_weight=batch.weight, denominator=denominator
        )
    logits = hidden @ head.T
    return cross_entropy(logits, batch.targets, weight=batch.weight, denominator=denominator)


def token_losses(model: nn.Module, batch: Batch) -> Tensor:
    """Return −log q(target) of each token, (B, T), in nats, without weights."""
    hidden = hidden_states(model, batch.tokens, batch.mask)
    return linear_cross_entropy(hidden, output_weight(model), batch.targets, reduction="none")


@torch.no_grad()
def mean_loss(model: nn.Module, batches: Iterable[Batch], device: str = "cpu") -> float:
    """Return the mean loss over all counted targets, in nats per token; dropout is off."""
    training = model.training
    model.eval()
    total, weight = 0.0, 0.0
    for given in batches:
        batch = given.to(device)
        total += float(next_token_loss(model, batch, 1.0))
        weight += float(batch.total())
    model.train(training)
    return total / weight
