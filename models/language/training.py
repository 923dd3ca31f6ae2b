"""The training loop of language models: AdamW, a schedule, accumulation, precision, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from models.language.batches import Batch, Batches
from models.language.objective import Objective, next_token_loss
from models.language.optimizer import WeightOptimizer
from models.language.precision import Precision, autocast, gradient_scaler, require_precision
from models.language.processes import OneProcess, Processes
from models.language.schedule import Decay, Schedule
from repro.errors import UserError

#: Least seconds between two checkpoints, and how many times as long as keeping one took: those of a
#: large model do not take more than a fiftieth of the time.
CHECKPOINT_EVERY, TIMES_KEEPING = 30.0, 50.0


class Keeper(Protocol):
    """Where checkpoints go and come from.

    A trial's is its ``repro.context.RunContext``; that of an artefact's builder a ``FolderKeeper``.
    """

    def checkpoint(self, state: dict[str, Any], step: int) -> None:
        """Keep ``state``."""

    def restore(self) -> dict[str, Any] | None:
        """Return the last state kept, or ``None``."""

    def progress(self, done: float, total: float) -> None:
        """Say how far the run is."""


@dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained.

    ``steps``            updates
    ``learning_rate``    the highest; ``warmup``, ``decay``, ``last_share``: see :class:`Schedule`
    ``weight_decay``     of matrices; never of biases and norms
    ``largest_gradient`` norm to which a gradient is cut; ``None``: never
    ``parts``            passes over which a batch is spread: the same gradient in less memory
    """

    steps: int
    learning_rate: float
    warmup: int = 0
    decay: Decay = "cosine"
    last_share: float = 0.1
    weight_decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.95)
    largest_gradient: float | None = 1.0
    parts: int = 1
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        for name in ("steps", "learning_rate", "parts"):
            if not getattr(self, name) > 0:
                raise UserError(
                    f"models.language.TrainingSettings: {name} is {getattr(self, name)}; "
                    "it must be above 0"
                )

    @property
    def schedule(self) -> Schedule:
        """The learning rate's course."""
        return Schedule(self.steps, self.warmup, self.decay, self.last_share)


class _WithLoss(nn.Module):
    """A model whose output is its loss, so that data parallel wrappers see one forward pass."""

    def __init__(self, model: nn.Module, objective: Objective) -> None:
        super().__init__()
        self.model, self.objective = model, objective

    def forward(self, batch: Batch, denominator: Tensor | float) -> Tensor:
        return self.objective(self.model, batch, denominator)


@dataclass
class Training:
    """One run. ``step`` is the number of updates made; ``tokens_seen`` counts those of batches.

    A run that is resumed from a checkpoint ends with the same bits as one that was not
    interrupted: batches depend on the step alone, and generators' states are kept. (Several
    processes go on with the first one's generators, which matters for dropout alone.)
    """

    model: nn.Module
    batches: Batches
    settings: TrainingSettings
    objective: Objective = next_token_loss
    processes: Processes = field(default_factory=OneProcess)
    step: int = 0
    tokens_seen: int = 0
    last_loss: Tensor | None = None

    def __post_init__(self) -> None:
        require_precision(self.settings.precision, self.processes.device)
        self._module = self.processes.prepare(_WithLoss(self.model, self.objective))
        self._module.train()
        self._optimizer = WeightOptimizer(
            self.model.parameters(),
            self.settings.learning_rate,
            self.settings.betas,
            self.settings.weight_decay,
            # What exchanges gradients keeps them in a memory of its own.
            joined=isinstance(self.processes, OneProcess),
        )
        self._scaler = gradient_scaler(self.settings.precision)
        self._schedule = self.settings.schedule

    def run(
        self,
        keeper: Keeper | None = None,
        after_step: Callable[[Training], None] | None = None,
    ) -> None:
        """Train to the last step, from the keeper's checkpoint where there is one.

        ``after_step`` is called after each update, to evaluate and to log.
        """
        if keeper is not None:
            self._resume(keeper)
        self._train(keeper, after_step)
        self._optimizer.part()

    def _train(self, keeper: Keeper | None, after_step: Callable[[Training], None] | None) -> None:
        kept, pause = time.monotonic(), CHECKPOINT_EVERY
        while self.step < self.settings.steps:
            self.update(self.batches.at(self.step))
            if after_step is not None:
                after_step(self)
            began = time.monotonic()
            if keeper is not None and began - kept > pause:
                self._keep(keeper)
                kept = time.monotonic()
                pause = max(CHECKPOINT_EVERY, TIMES_KEEPING * (kept - began))

    def update(self, batch: Batch) -> None:
        """Take one step on ``batch``; its loss is ``last_loss``, a tensor on the device."""
        self._optimizer.join()
        self._optimizer.set_rate(self.settings.learning_rate * self._schedule.share(self.step))
        self.last_loss = self._gradient(batch)
        if self.settings.largest_gradient is not None:
            self._scaler.unscale_(self._optimizer.adamw)
            self._optimizer.clip(self.settings.largest_gradient)
        self._scaler.step(self._optimizer.adamw)
        self._scaler.update()
        self._optimizer.clear()
        self.step += 1
        self.tokens_seen += batch.tokens.numel()

    def state(self) -> dict[str, Any]:
        """Return all that the rest of the run depends on; later steps leave it as it is."""
        generators = {"cpu": torch.get_rng_state()}
        if self.processes.device.startswith("cuda"):
            generators["cuda"] = torch.cuda.get_rng_state()
        return {
            "step": self.step,
            "tokens_seen": self.tokens_seen,
            "model": {name: w.clone() for name, w in self.model.state_dict().items()},
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
            "generators": generators,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a :meth:`state`."""
        self.step, self.tokens_seen = state["step"], state["tokens_seen"]
        self.model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["generators"]["cpu"])
        if "cuda" in state["generators"] and self.processes.device.startswith("cuda"):
            torch.cuda.set_rng_state(state["generators"]["cuda"])

    def _gradient(self, batch: Batch) -> Tensor:
        """Add the whole batch's gradient up over its parts; return its loss."""
        denominator = batch.total()
        if isinstance(denominator, Tensor):
            denominator = denominator.to(self.processes.device)
        # First by process, then by part: every process must have a last part, to exchange after.
        mine = list(self.processes.own(batch).parts(self.settings.parts))
        loss = torch.zeros((), device=self.processes.device)
        for place, part in enumerate(mine):
            if place < len(mine) - 1:
                with self.processes.without_exchange(self._module):
                    loss = loss + self._backward(part, denominator)
            else:
                loss = loss + self._backward(part, denominator)
        return self.processes.total(loss)

    def _backward(self, part: Batch, denominator: Tensor | float) -> Tensor:
        with autocast(self.settings.precision, self.processes.device):
            loss: Tensor = self._module(part, denominator)
        scaled = self._scaler.scale(self.processes.scale(loss))
        scaled.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def _resume(self, keeper: Keeper) -> None:
        state = keeper.restore()
        if state is not None:
            self.load(state)

    def _keep(self, keeper: Keeper) -> None:
        keeper.progress(self.step, self.settings.steps)
        if self.processes.is_first:
            keeper.checkpoint(self.state(), self.step)
