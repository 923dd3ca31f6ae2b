"""NeuralUCB and NeuralTS in the straightforward form: vectors of length K·d, autograd, arm by arm.

One stream at a time, a backward pass for every arm and round, the design matrix over all weights:
the shape of the methods' released code, on the network of this task. Written from the methods'
equations, to be compared with.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from tasks.bandit.network import ArmNetworks
from tasks.bandit.neural import trains_after


class ReferenceBandit:
    """One stream. ``kind`` is ``ucb`` or ``ts``; ``normals`` (rounds, arms) are for the latter."""

    def __init__(self, networks, stream, kind, rate, nu, lam, normals=None, replay=None):
        _, self.arms, self.units, self.d = networks.blocks.shape
        first = networks.blocks[stream].transpose(1, 0, 2).reshape(self.units, -1)
        self.first = torch.tensor(first.copy()).requires_grad_(True)
        self.second = torch.tensor(networks.output[stream].copy()).requires_grad_(True)
        count = self.first.numel() + self.second.numel()
        self.design = lam * torch.ones(count)
        self.kind, self.rate, self.nu, self.lam, self.normals = kind, rate, nu, lam, normals
        self.replay, self.history, self.round = replay, [], 0

    def output(self, encoded: Tensor) -> Tensor:
        return self.second @ (self.first @ encoded).relu() / self.units**0.5

    def encoded(self, x: np.ndarray, arm: int) -> Tensor:
        vector = torch.zeros(self.arms * self.d)
        vector[arm * self.d : (arm + 1) * self.d] = torch.from_numpy(x)
        return vector

    def select(self, x: np.ndarray) -> int:
        gradients, scores = [], []
        for arm in range(self.arms):
            value = self.output(self.encoded(x, arm))
            parts = torch.autograd.grad(value, (self.first, self.second))
            gradient = torch.cat([part.flatten() for part in parts])
            sigma = torch.sqrt((self.lam * self.nu * gradient * gradient / self.design).sum())
            noise = 1.0 if self.kind == "ucb" else -float(self.normals[self.round, arm])
            scores.append(value.item() - noise * sigma.item())
            gradients.append(gradient)
        arm = int(np.argmin(scores))
        self.design += gradients[arm] ** 2
        return arm

    def update(self, x: np.ndarray, arm: int, loss: float) -> None:
        self.history.append((self.encoded(x, arm), loss))
        self.round += 1
        if self.replay is None:
            self.one_step(*self.history[-1])
        elif trains_after(self.round):
            self.train(*self.replay)

    def train(self, source: np.random.RandomState, steps: int) -> None:
        order, total = source.permutation(self.round), 0.0
        for taken in range(steps):
            if taken and taken % self.round == 0:
                if 2.0 * total / self.round <= 1e-3:  # mean of (f − y)², as released
                    return
                total = 0.0
            total += self.one_step(*self.history[order[taken % self.round]])

    def one_step(self, encoded: Tensor, loss: float) -> float:
        value = 0.5 * (self.output(encoded) - loss) ** 2
        for weight, gradient in zip(
            (self.first, self.second),
            torch.autograd.grad(value, (self.first, self.second)),
            strict=True,
        ):
            weight.data -= self.rate * gradient
        return value.item()


def play_reference(problem, x, observed, stream, kind, rate, nu, lam, *, replay=False):
    """Return the arms that the reference plays on contexts (rounds, d) and labels (rounds,)."""
    normals = problem.normals("posterior", problem.arms)[:, stream] if kind == "ts" else None
    source = (problem.generators("replay")[stream], problem.replay_steps) if replay else None
    bandit = ReferenceBandit(ArmNetworks(problem), stream, kind, rate, nu, lam, normals, source)
    arms = []
    for row, label in zip(x, observed, strict=True):
        arms.append(bandit.select(row))
        bandit.update(row, arms[-1], float(arms[-1] != label))
    return np.array(arms)
