"""Prototype matching, as in PANet (Wang, Liew, Zou, Zhou and Feng, ICCV 2019)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from tasks.fewshot_segmentation.protocol import BaseNetwork, Episodes, Training
from tasks.fewshot_segmentation.prototypes import prototype_scores, prototypes


@dataclass(frozen=True)
class PrototypeMatching:
    """A pixel belongs to the nearer, by cosine, of the support's two mean features.

    On the network of ``training`` ``episodic`` this is PANet: the network was meta-trained for this
    very inference, with prototype alignment. Nothing is adapted to the query.
    """

    training: Training = "cross_entropy"

    @property
    def base(self) -> BaseNetwork:
        """The base network that features come from."""
        return BaseNetwork(self.training)

    def segment(self, episodes: Episodes) -> Tensor:
        """Return the query's foreground scores (E, P)."""
        return prototype_scores(episodes.query_directions, *prototypes(episodes))
