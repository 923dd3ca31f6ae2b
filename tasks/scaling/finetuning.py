"""A generative model finetuned to classify: mean of the last layer, a new linear head."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from losses import cross_entropy
from models.language import BuildKeeper, hidden_states
from tasks.scaling.domains import Labelled

_BATCH = 32
#: The stage of a build that this is, and seconds between two checkpoints of it.
CLASSIFICATION, KEEP_SECONDS = "classification", 300.0


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
    keeper: BuildKeeper | None = None,
) -> Classified:
    """Train all weights and a new head on ``data``; return how well test sequences are classified.

    The rate falls linearly. The model's weights change. A killed build goes on from what ``keeper``
    kept.
    """
    generator = torch.Generator().manual_seed(seed % 2**63)
    device = next(model.parameters()).device
    width = hidden_states(model, data.train[0][:1].to(device)).shape[-1]
    head = nn.Linear(width, data.classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    head.to(device)
    optimizer = torch.optim.AdamW([*model.parameters(), *head.parameters()], fused=True)
    run = _Run(model, head, optimizer, generator)
    first = run.resumed(keeper) if keeper is not None else 0
    kept = time.monotonic()
    model.train()
    for step in range(first, steps):
        optimizer.param_groups[0]["lr"] = learning_rate * (1 - step / steps)
        rows = torch.randint(len(data.train[0]), (_BATCH,), generator=generator)
        loss = cross_entropy(
            _logits(model, head, data.train[0][rows]), data.train[1][rows].to(device)
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if keeper is not None and time.monotonic() - kept >= KEEP_SECONDS:
            keeper.checkpoint(run.state(step + 1), step + 1)
            kept = time.monotonic()
    return _tested(model, head, data)


class _Run(NamedTuple):
    """What the rest of a finetuning depends on, beside the number of steps made."""

    model: nn.Module
    head: nn.Linear
    optimizer: torch.optim.Optimizer
    generator: torch.Generator

    def state(self, step: int) -> dict[str, Any]:
        """Return all of it, after ``step`` steps."""
        return {
            "step": step,
            "model": self.model.state_dict(),
            "head": self.head.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generator": self.generator.get_state(),
        }

    def resumed(self, keeper: BuildKeeper) -> int:
        """Go on from what a killed build kept, or keep the start; return the steps made so far."""
        state = keeper.restore() if keeper.stage == CLASSIFICATION else None
        if state is None:
            keeper.begin(CLASSIFICATION, self.state(0))
            return 0
        self.model.load_state_dict(state["model"])
        self.head.load_state_dict(state["head"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.generator.set_state(state["generator"])
        return int(state["step"])


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
