"""Matching pixels with the mean features of foreground and background, as PANet does."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from tasks.fewshot_segmentation.protocol import Episodes, cosine, mean_of

#: PANet's factor of the cosine similarity.
SCALE = 20.0


def prototypes(episodes: Episodes) -> tuple[Tensor, Tensor]:
    """Return the foreground and the background prototype, (E, C) each.

    Each is the mean over shots of a shot's mean feature (Wang et al., ICCV 2019, eqs. 1 and 2).
    """
    return _per_shot(episodes.support, episodes.foreground), _per_shot(
        episodes.support, episodes.background
    )


def _per_shot(cells: Tensor, mask: Tensor) -> Tensor:
    count, shots = mask.shape[:2]
    means = mean_of(cells.flatten(0, 1), mask.flatten(0, 1)).view(count, shots, -1)
    # A shot without a single cell of the class has no mean, and counts for nothing.
    known = mask.any(2).to(means.dtype)
    return mean_of(means, known)


def prototype_scores(cells: Tensor, foreground: Tensor, background: Tensor) -> Tensor:
    """Return the log odds of foreground (E, M) of cells of length 1, (E, M, C).

    The softmax over the two scaled cosine similarities, as the difference of its logits.
    """
    return SCALE * (cosine(cells, foreground) - cosine(cells, background))


def episodic_loss(episodes: Episodes, query_foreground: Tensor) -> Tensor:
    """Return PANet's loss: the query's cross entropy, plus that of the alignment, weighted 1.

    ``query_foreground``  (E, P): the query's labels. The alignment swaps the roles: prototypes of
    the query under its predicted mask segment the supports (eq. 8); episodes whose prediction lacks
    one of the two classes have none.
    """
    scores = prototype_scores(episodes.query_directions, *prototypes(episodes))
    loss = _cross_entropy(scores, query_foreground, episodes.counted)
    predicted = (scores.detach() > 0).to(scores.dtype)
    whole = predicted.any(1) & (1 - predicted).any(1)
    if not whole.any():
        return loss
    swapped = [mean_of(episodes.query, part) for part in (predicted, 1 - predicted)]
    back = prototype_scores(episodes.support_directions, *swapped)
    labels, known = (part.flatten(1) for part in (episodes.foreground, episodes.annotated))
    return loss + _cross_entropy(back, labels, known * whole[:, None])


def _cross_entropy(scores: Tensor, labels: Tensor, counted: Tensor) -> Tensor:
    losses = binary_cross_entropy_with_logits(scores, labels, weight=counted, reduction="sum")
    return losses / counted.sum().clamp_min(torch.finfo(scores.dtype).tiny)
