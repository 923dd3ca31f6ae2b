"""A generative model finetuned to classify: mean of the last layer, a new linear head."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from losses import cross_entropy
from models.language import FolderKeeper, hidden_states, output_weight
from models.language.precision import Precision, autocast, gradient_scaler
from tasks.scaling.domains import Labelled

#: Tokens that gradients are taken of at once, and tokens that are classified at once.
_PASS_TOKENS, _TESTED_TOKENS = 2**14, 2**16
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
    rows: int = 32,
    precision: Precision = "float32",
    keeper: FolderKeeper | None = None,
) -> Classified:
    """Train all weights and a new head on ``data``; return how well test sequences are classified.

    A batch has ``rows`` sequences. The rate falls linearly. The model's weights change. A killed
    build goes on from what ``keeper`` kept.
    """
    generator = torch.Generator().manual_seed(seed % 2**63)
    head = nn.Linear(output_weight(model).shape[1], data.classes)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    head.to(next(model.parameters()).device)
    optimizer = torch.optim.AdamW([*model.parameters(), *head.parameters()], fused=True)
    scaler = gradient_scaler(precision)
    run = _Run(model, head, optimizer, scaler, generator)
    first = run.resumed(keeper) if keeper is not None else 0
    kept = time.monotonic()
    model.train()
    for step in range(first, steps):
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
        if keeper is not None and time.monotonic() - kept >= KEEP_SECONDS:
            keeper.checkpoint(run.state(step + 1), step + 1)
            kept = time.monotonic()
    return _tested(model, head, data)


class _Run(NamedTuple):
    """What the rest of a finetuning depends on, beside the number of steps made."""

    model: nn.Module
    head: nn.Linear
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    generator: torch.Generator

    def state(self, step: int) -> dict[str, Any]:
        """Return all of it, after ``step`` steps."""
        return {
            "step": step,
            "model": self.model.state_dict(),
            "head": self.head.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "generator": self.generator.get_state(),
        }

    def resumed(self, keeper: FolderKeeper) -> int:
        """Go on from what a killed build kept, or keep the start; return the steps made so far."""
        state = keeper.restore() if keeper.stage == CLASSIFICATION else None
        if state is None:
            keeper.begin(CLASSIFICATION, self.state(0))
            return 0
        self.model.load_state_dict(state["model"])
        self.head.load_state_dict(state["head"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.generator.set_state(state["generator"])
        return int(state["step"])


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
    # Images are kept in 16 bits: as numbers of 64 bits, a million would not fit in memory.
    read = tokens.to(head.weight.device, torch.int64)
    logits: Tensor = head(hidden_states(model, read).mean(1))
    return logits
