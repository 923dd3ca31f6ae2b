"""Training by Adam with the epoch chosen on validation data; an interrupted run goes on as it was.

The order of the batches and the noise have generators of their own, seeded without the method's
name: every method starts from the same weights and sees the same batches.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Generator, Tensor

from repro.context import RunContext
from tasks.regression.network import BottleneckNetwork
from tasks.regression.protocol import RegressionMethod
from tasks.regression.weights import WeightVector

#: A checkpoint costs a write to disk: no oftener than this.
CHECKPOINT_SECONDS = 20.0
#: A smaller last batch is left out: kernel estimates on a handful of points are mostly noise.
SMALLEST_BATCH = 16
#: Rows per forward pass where no gradient is needed.
EVALUATION_ROWS = 8192
#: Points on a training curve.
CURVE_POINTS = 20


class Fold(NamedTuple):
    """Inputs, (n, d) or (n, c, height, width), and targets, (n, 1), on the trial's device."""

    x: Tensor
    y: Tensor


@dataclass
class Training:
    """One training run and everything that a checkpoint must hold.

    ``learning_rate``  Adam's step size
    ``absolute``  choose the epoch by validation mean absolute error in place of RMSE
    ``diverged``  set when the loss or the validation error was not finite: training stops there
    """

    network: BottleneckNetwork
    method: RegressionMethod
    train: Fold
    validation: Fold
    epochs: int
    batch_size: int
    learning_rate: float
    absolute: bool
    batch_order: Generator
    noise: Generator
    epoch: int = 0
    samples_seen: int = 0
    diverged: bool = False
    best_error: float = math.inf
    best_weights: Tensor | None = None
    weights: WeightVector = field(init=False)
    optimizer: torch.optim.Adam = field(init=False)

    def __post_init__(self) -> None:
        self.weights = WeightVector(self.network)
        self.optimizer = torch.optim.Adam([self.weights.values], lr=self.learning_rate, fused=True)

    def run(self, context: RunContext) -> None:
        """Train to the last epoch, then put the best epoch's weights into the network."""
        self._restore(context.restore())
        saved_at = time.monotonic()
        while self.epoch < self.epochs and not self.diverged:
            self._one_epoch(context)
            context.progress(self.epoch, self.epochs)
            if time.monotonic() - saved_at >= CHECKPOINT_SECONDS:
                context.checkpoint(self._state(), self.epoch)
                saved_at = time.monotonic()
        if self.best_weights is not None:
            self.weights.values.copy_(self.best_weights)

    def _one_epoch(self, context: RunContext) -> None:
        total = torch.zeros((), device=self.train.x.device)
        batches = self._batches()
        for rows in batches:
            total += self._step(rows)
        self.epoch += 1
        # One transfer per epoch: asking after every step would stall a GPU. A loss that is not
        # finite stays so, because the weights then are not finite either.
        loss = total.item() / len(batches)
        rmse, mae = validation_errors(self.network, self.validation)
        self._judge(loss, mae if self.absolute else rmse)
        if self.epoch % max(1, self.epochs // CURVE_POINTS) == 0 or self.diverged:
            context.log(self.epoch, train_loss=loss, validation_rmse=rmse, validation_mae=mae)

    def _batches(self) -> list[Tensor]:
        order = torch.randperm(len(self.train.x), generator=self.batch_order)
        parts = torch.split(order.to(self.train.x.device), self.batch_size)
        return [part for part in parts if len(part) >= SMALLEST_BATCH]

    def _step(self, rows: Tensor) -> Tensor:
        x, y = self.train.x.index_select(0, rows), self.train.y.index_select(0, rows)
        loss = self.method.loss(self.network(x, y, self.noise))
        self.weights.differentiate(loss)
        self.optimizer.step()
        self.samples_seen += len(rows)
        return loss.detach()

    def _judge(self, loss: float, error: float) -> None:
        self.diverged = not (math.isfinite(loss) and math.isfinite(error))
        if not self.diverged and error < self.best_error:
            self.best_error = error
            self.best_weights = self.weights.values.clone()

    def _state(self) -> dict[str, Any]:
        return {
            "weights": self.weights.values,
            "optimizer": self.optimizer.state_dict(),
            "batch_order": self.batch_order.get_state(),
            "noise": self.noise.get_state(),
            "progress": {name: getattr(self, name) for name in _PROGRESS},
        }

    def _restore(self, state: dict[str, Any] | None) -> None:
        if state is None:
            return
        self.weights.values.copy_(state["weights"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.batch_order.set_state(state["batch_order"])
        self.noise.set_state(state["noise"])
        for name, value in state["progress"].items():
            setattr(self, name, value)


_PROGRESS = ("epoch", "samples_seen", "diverged", "best_error", "best_weights")


@torch.no_grad()
def predictions(network: BottleneckNetwork, x: Tensor) -> Tensor:
    """Return test-time predictions, (n, 1), in pieces that fit any device."""
    return torch.cat([network.predict(part) for part in torch.split(x, EVALUATION_ROWS)])


def validation_errors(network: BottleneckNetwork, fold: Fold) -> tuple[float, float]:
    """Return RMSE and mean absolute error in standard deviations of the training targets."""
    residual = predictions(network, fold.x) - fold.y
    errors = torch.stack([residual.square().mean().sqrt(), residual.abs().mean()])
    rmse, mae = errors.tolist()
    return rmse, mae
