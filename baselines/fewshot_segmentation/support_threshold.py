"""A prototype with a threshold calibrated on the support: no gradient, nothing of the query."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from tasks.fewshot_segmentation.protocol import (
    BaseNetwork,
    Episodes,
    Training,
    cosine,
    mean_of,
)


@dataclass(frozen=True)
class SupportThreshold:
    """Foreground is what is nearer to the prototype than a threshold.

    The prototype is RePRI's first w. Of all thresholds between neighbouring scores of the support's
    pixels it takes the one with the best intersection over union there: the control for a bias that
    RePRI starts at the query's mean score.
    """

    training: Training = "cross_entropy"

    @property
    def base(self) -> BaseNetwork:
        """The base network that features come from."""
        return BaseNetwork(self.training)

    def segment(self, episodes: Episodes) -> Tensor:
        """Return the query's foreground scores (E, P)."""
        foreground, known = (part.flatten(1) for part in (episodes.foreground, episodes.annotated))
        prototype = mean_of(episodes.support_directions, foreground)
        threshold = best_threshold(
            cosine(episodes.support_directions, prototype), foreground, known
        )
        return cosine(episodes.query_directions, prototype) - threshold[:, None]


def best_threshold(scores: Tensor, foreground: Tensor, known: Tensor) -> Tensor:
    """Return the threshold (E,) with the best intersection over union; all are (E, M).

    Half way between the lowest score that is taken as foreground and the highest that is not;
    among equals the highest threshold. Pixels that are not ``known`` do not count.
    """
    scores = scores.masked_fill(known == 0, -torch.inf)
    ordered, order = scores.sort(dim=1, descending=True)
    hits = foreground.gather(1, order).cumsum(1)
    taken = torch.arange(1, scores.shape[1] + 1, device=scores.device)
    total = foreground.sum(1, keepdim=True)
    overlap = hits / (taken + total - hits).clamp_min(1)
    # Cells of equal score are taken together; those that are not known never.
    following = torch.cat([ordered[:, 1:], torch.full_like(ordered[:, :1], -torch.inf)], 1)
    overlap = overlap.masked_fill((ordered == following) | ordered.isneginf(), -1.0)
    best = overlap.argmax(1, keepdim=True)
    lowest = ordered.gather(1, best)
    above = following.gather(1, best)
    return torch.where(above.isneginf(), lowest - 1e-6, (lowest + above) / 2).squeeze(1)
