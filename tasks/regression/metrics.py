"""What a trained network is measured by, on the fixed test fold."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from tasks.regression.attacks import fast_gradient_sign, projected_gradient
from tasks.regression.information import compression, information_about_target
from tasks.regression.network import BottleneckNetwork
from tasks.regression.training import EVALUATION_ROWS, Fold, predictions

#: ``attack(predict, x, y)`` returns inputs of x's shape.
Attack = Callable[[Callable[[Tensor], Tensor], Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class AttackBudgets:
    """Radii of the L∞ ball in standard deviations of the inputs, and the steps of the iteration."""

    fgsm: Sequence[float]
    pgd: Sequence[float]
    pgd_steps: int

    def attacks(self) -> dict[str, Attack]:
        """Return the attacks by the name of their metric, ``fgsm_rmse@0.1`` for one."""
        fgsm = {f"fgsm_rmse@{budget:g}": _fgsm(budget) for budget in self.fgsm}
        pgd = {f"pgd_rmse@{budget:g}": _pgd(budget, self.pgd_steps) for budget in self.pgd}
        return fgsm | pgd


@dataclass(frozen=True)
class TestFold:
    """Standardised test data and the target's scale, which takes errors back to its own units."""

    __test__ = False  # a fold of data, whatever a test runner makes of its name

    data: Fold
    noise_free: Tensor | None
    target_scale: float


def metric_names(budgets: AttackBudgets, *, noise_free: bool) -> list[str]:
    """Return the names of all metrics on the test fold."""
    known = ["rmse_noise_free"] if noise_free else []
    return ["rmse", "mae", *known, *budgets.attacks(), "information", "compression"]


def evaluate(
    network: BottleneckNetwork, test: TestFold, budgets: AttackBudgets, noise: Generator
) -> dict[str, float]:
    """Return every metric on the test fold; errors in the target's own units."""
    network.requires_grad_(False)
    predicted = predictions(network, test.data.x)
    errors = {"rmse": _rmse(predicted, test.data.y), "mae": _mae(predicted, test.data.y)}
    if test.noise_free is not None:
        errors["rmse_noise_free"] = _rmse(predicted, test.noise_free)
    for name, attack in budgets.attacks().items():
        errors[name] = _rmse_under_attack(network, test.data, attack)
    return {
        **{name: value * test.target_scale for name, value in errors.items()},
        "information": information_about_target(test.data.y, predicted),
        "compression": compression_of(network, test.data.x, noise),
    }


@torch.no_grad()
def compression_of(network: BottleneckNetwork, x: Tensor, noise: Generator) -> float:
    """Return the compression of ``x`` by the representation as the decoder receives it."""
    parts = [network.represent(part, noise) for part in torch.split(x, EVALUATION_ROWS)]
    return compression(x, torch.cat(parts))


def _rmse_under_attack(network: BottleneckNetwork, fold: Fold, attack: Attack) -> float:
    xs, ys = (torch.split(part, EVALUATION_ROWS) for part in fold)
    attacked = [
        predictions(network, attack(network.predict, x, y)) for x, y in zip(xs, ys, strict=True)
    ]
    return _rmse(torch.cat(attacked), fold.y)


def _fgsm(budget: float) -> Attack:
    return lambda predict, x, y: fast_gradient_sign(predict, x, y, budget)


def _pgd(budget: float, steps: int) -> Attack:
    return lambda predict, x, y: projected_gradient(predict, x, y, budget, steps)


def _rmse(predicted: Tensor, y: Tensor) -> float:
    return math.sqrt((predicted - y).square().mean().item())


def _mae(predicted: Tensor, y: Tensor) -> float:
    return (predicted - y).abs().mean().item()
