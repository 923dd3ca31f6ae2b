"""RePRI: few-shot segmentation by transductive inference (Boudiaf et al., CVPR 2021).

arXiv 2012.06166; released code: mboudiaf/RePRI-for-Few-Shot-Segmentation, commit aa54b19b.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from losses import entropy_proportion
from tasks.fewshot_segmentation.networks import NetworkName
from tasks.fewshot_segmentation.protocol import (
    BaseNetwork,
    Episodes,
    Selection,
    Training,
    cosine,
    mean_of,
)

#: The least share of a class in the prior, as in the released code, so that no logarithm is of 0.
LEAST_SHARE = 1e-10


@dataclass(frozen=True)
class RePRI:
    """Minimises CE + λ_KL · KL(p̂ ‖ π) + λ_H · H over a linear classifier of each task's pixels.

    A pixel's foreground score is s = τ cos(z, w) − b, its posterior the sigmoid of s. CE is the
    mean cross entropy of the support's pixels, H the mean entropy of the query's, p̂ the query's
    mean posterior (background, foreground) and π a prior of it. w starts at the mean feature of the
    support's foreground, b at the query's mean score, so that about half of the query starts as
    foreground; π starts at the first p̂. With K shots λ_H = λ_KL = 1/K; after ``update_after`` steps
    π becomes the present p̂, once, and λ_KL becomes 1/K + 1. Plain gradient descent on w and b.

    ``steps``          50 in the paper; the released loop makes 49, and updates π after 9
    ``update_after``   steps before π is updated; ``None``: never
    ``learning_rate``, ``temperature``  of the descent; τ
    ``support_term``   whether CE counts
    ``entropy_weight``, ``proportion_weight``  λ_H and the first λ_KL; ``None`` for 1/K. 0 switches
                       the term off, also after the update
    ``prior``          ``estimated``, or ``true``: the query's true share, an oracle, never updated
    ``prior_factor``   multiplies the true share of foreground, clipped to 1: a wrong oracle
    ``bias_start``     ``query``, or ``support``: the mean score of the support's pixels instead
    ``start_over``     ``counted`` cells, or ``all``, padding too, as released
    ``training``, ``selection``, ``network``  the base network
    """

    steps: int = 50
    update_after: int | None = 10
    learning_rate: float = 0.025
    temperature: float = 20.0
    support_term: bool = True
    entropy_weight: float | None = None
    proportion_weight: float | None = None
    prior: Literal["estimated", "true"] = "estimated"
    prior_factor: float = 1.0
    bias_start: Literal["query", "support"] = "query"
    start_over: Literal["counted", "all"] = "counted"
    training: Training = "cross_entropy"
    selection: Selection = "base"
    network: NetworkName | None = None

    @property
    def base(self) -> BaseNetwork:
        """The base network that features come from."""
        return BaseNetwork(self.training, self.selection, self.network)

    def segment(self, episodes: Episodes) -> Tensor:
        """Return the query's foreground scores (E, P) after the last step."""
        weight, bias = self.start(episodes)
        prior = self._first_prior(weight, bias, episodes)
        updated = False
        for step in range(self.steps):
            if step == self.update_after and self.prior == "estimated":
                prior, updated = self._shares(weight, bias, episodes), True
            weight, bias = self._descended(weight, bias, prior, updated, episodes)
        return self._scores(episodes.query_directions, weight, bias)

    def start(self, episodes: Episodes) -> tuple[Tensor, Tensor]:
        """Return the first w (E, C) and b (E,)."""
        foreground = episodes.foreground.flatten(1)
        weight = mean_of(episodes.support_directions, foreground)
        cells, counted = episodes.query_directions, episodes.counted
        if self.bias_start == "support":
            cells, counted = episodes.support_directions, episodes.annotated.flatten(1)
        if self.start_over == "all":
            counted = torch.ones_like(counted)
        scores = self._scores(cells, weight, counted.new_zeros(len(episodes)))
        return weight, _weighted_mean(scores, counted)

    def loss(
        self, weight: Tensor, bias: Tensor, prior: Tensor, updated: bool, episodes: Episodes
    ) -> Tensor:
        """Return the sum over tasks of the objective at w (E, C), b (E,) and π (E, 2).

        Tasks share no parameter, so that the gradient of each is that of its own objective.
        """
        scores = self.temperature * episodes.cosines(weight) - bias[:, None]
        cells = episodes.query.shape[1]
        total = scores.new_zeros(())
        if self.support_term:
            known = episodes.annotated.flatten(1)
            shares = known / known.sum(1, keepdim=True).clamp_min(1)
            total = total + binary_cross_entropy_with_logits(
                scores[:, :-cells], episodes.foreground.flatten(1), shares, reduction="sum"
            )
        entropy, proportion = self._weights(episodes.shots, updated)
        if entropy == 0 and proportion == 0:
            return total
        query = scores[:, -cells:]
        return total + entropy_proportion(
            torch.stack([torch.zeros_like(query), query], 1),
            prior,
            direction="reverse",
            entropy_scale=entropy,
            proportion_scale=proportion,
            weight=episodes.counted,
            reduction="sum",
        )

    def _weights(self, shots: int, updated: bool) -> tuple[float, float]:
        """Return λ_H and λ_KL."""
        entropy = 1 / shots if self.entropy_weight is None else self.entropy_weight
        proportion = 1 / shots if self.proportion_weight is None else self.proportion_weight
        return entropy, proportion + 1 if updated and proportion != 0 else proportion

    def _descended(
        self, weight: Tensor, bias: Tensor, prior: Tensor, updated: bool, episodes: Episodes
    ) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            leaves = weight.requires_grad_(True), bias.requires_grad_(True)
            loss = self.loss(*leaves, prior, updated, episodes)
            gradients = torch.autograd.grad(loss, leaves)
        moved = [
            leaf.detach() - self.learning_rate * gradient
            for leaf, gradient in zip(leaves, gradients, strict=True)
        ]
        return moved[0], moved[1]

    def _first_prior(self, weight: Tensor, bias: Tensor, episodes: Episodes) -> Tensor:
        if self.prior == "estimated":
            return self._shares(weight, bias, episodes)
        return _both((self.prior_factor * episodes.proportion).clamp_max(1))

    def _shares(self, weight: Tensor, bias: Tensor, episodes: Episodes) -> Tensor:
        """Return the query's mean posterior (E, 2), background first, without gradient."""
        scores = self._scores(episodes.query_directions, weight.detach(), bias.detach())
        return _both(_weighted_mean(scores.sigmoid(), episodes.counted))

    def _scores(self, cells: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return self.temperature * cosine(cells, weight) - bias[:, None]


def _both(foreground: Tensor) -> Tensor:
    """Return the shares of background and foreground (E, 2), neither of them 0."""
    return torch.stack([1 - foreground, foreground], 1).clamp_min(LEAST_SHARE)


def _weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights).sum(1) / weights.sum(1).clamp_min(1)
