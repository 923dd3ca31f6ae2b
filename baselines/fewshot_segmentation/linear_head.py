"""A linear head, fine-tuned on the support alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from tasks.fewshot_segmentation.protocol import BaseNetwork, Episodes, Training


@dataclass(frozen=True)
class LinearHead:
    """Logistic regression of the support's pixels on their features of length 1, from zero.

    ``steps`` of gradient descent at ``rate`` with momentum 0.9 on the mean cross entropy, plus
    ``decay``/2 · ‖w‖². In each task the two classes weigh the same, because the object is small:
    without that, descent from zero stays with the background for long.
    """

    steps: int = 50
    rate: float = 1.0
    decay: float = 1e-3
    momentum: float = 0.9
    training: Training = "cross_entropy"

    @property
    def base(self) -> BaseNetwork:
        """The base network that features come from."""
        return BaseNetwork(self.training)

    def segment(self, episodes: Episodes) -> Tensor:
        """Return the query's foreground scores (E, P)."""
        features = episodes.query.shape[2]
        head = episodes.query.new_zeros(len(episodes), features + 1)
        velocity = torch.zeros_like(head)
        weights = balanced(episodes)
        for _ in range(self.steps):
            velocity = self.momentum * velocity + self._gradient(head, weights, episodes)
            head = head - self.rate * velocity
        cells = episodes.query.shape[1]
        return episodes.products(head[:, :-1])[:, -cells:] + head[:, -1:]

    def _gradient(self, head: Tensor, weights: Tensor, episodes: Episodes) -> Tensor:
        with torch.enable_grad():
            leaf = head.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(self.loss(leaf, weights, episodes), leaf)
        return gradient

    def loss(self, head: Tensor, weights: Tensor, episodes: Episodes) -> Tensor:
        """Return the sum over tasks of the loss of heads (E, C + 1), the bias last."""
        cells = episodes.foreground[0].numel()
        scores = episodes.products(head[:, :-1])[:, :cells] + head[:, -1:]
        labels = episodes.foreground.flatten(1)
        fit = binary_cross_entropy_with_logits(scores, labels, weights, reduction="sum")
        return fit + 0.5 * self.decay * head[:, :-1].square().sum()


def balanced(episodes: Episodes) -> Tensor:
    """Return weights (E, K P) of the support's pixels: 1/2 for each class together."""
    parts = [part.flatten(1) for part in (episodes.foreground, episodes.background)]
    return sum(
        (0.5 * part / part.sum(1, keepdim=True).clamp_min(1) for part in parts),
        start=torch.zeros_like(parts[0]),
    )
