"""What a method of the few-shot segmentation task must offer, and what it is given in return."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.functional import normalize

from tasks.fewshot_segmentation.networks import NetworkName
from tasks.fewshot_segmentation.products import products

#: How the base network is trained; see :mod:`tasks.fewshot_segmentation.base_training`.
Training = Literal["cross_entropy", "episodic"]

#: What its checkpoint is chosen on: base classes, or (a leak, as an ablation) the novel ones.
Selection = Literal["base", "novel"]


class BaseNetwork(NamedTuple):
    """Which base network a method works on; ``network``: another than the task's own."""

    training: Training = "cross_entropy"
    selection: Selection = "base"
    network: NetworkName | None = None


@dataclass(frozen=True)
class Episodes:
    """E tasks of one novel class each with K annotated support images, on a grid of P cells.

    ``support``     (E, K, P, C): features
    ``foreground``  (E, K, P): 1 where a cell is of the class, 0 elsewhere
    ``annotated``   (E, K, P): 0 for cells without a known label, 1 for the others
    ``query``       (E, P, C): features
    ``counted``     (E, P): 0 for cells of the query to leave out (padding, boundaries)
    ``proportion``  (E,): the query's true share of foreground among counted cells. For oracles
                    alone: a method that reads it sees the answer

    The grid's cells are in row-major order; labels were brought to it by the nearest pixel.
    """

    support: Tensor
    foreground: Tensor
    annotated: Tensor
    query: Tensor
    counted: Tensor
    proportion: Tensor

    @property
    def shots(self) -> int:
        """K."""
        return self.support.shape[1]

    @cached_property
    def directions(self) -> Tensor:
        """Features of length 1, supports first, (E, K P + P, C): one product scores all cells."""
        return normalize(torch.cat([self.support.flatten(1, 2), self.query], 1), dim=-1)

    @cached_property
    def _transposed(self) -> Tensor:
        return self.directions.transpose(1, 2).contiguous()

    def products(self, vectors: Tensor) -> Tensor:
        """Return the products of all directions with a vector of each task, (E, C) to (E, K P + P).

        Differentiable in the vectors, once.
        """
        return products(vectors, self.directions, self._transposed)

    def cosines(self, vectors: Tensor) -> Tensor:
        """Return the cosine similarity of every cell with a vector of its task, as ``products``."""
        return self.products(normalize(vectors, dim=-1, eps=1e-10))

    @property
    def query_directions(self) -> Tensor:
        """Features of the query of length 1, (E, P, C)."""
        return self.directions[:, -self.query.shape[1] :]

    @property
    def support_directions(self) -> Tensor:
        """Features of all supports of length 1, (E, K P, C)."""
        return self.directions[:, : -self.query.shape[1]]

    @property
    def background(self) -> Tensor:
        """(E, K, P): 1 where a cell is known to be of another class."""
        return self.annotated * (1 - self.foreground)

    def __len__(self) -> int:
        return len(self.query)


class FewShotMethod(Protocol):
    """An inference on frozen features."""

    @property
    def base(self) -> BaseNetwork:
        """The base network that the features come from."""

    def segment(self, episodes: Episodes) -> Tensor:
        """Return the query's foreground scores (E, P): above 0 is foreground.

        The task interpolates scores to the image before it compares them with 0. Episodes are
        independent of each other: the scores of one must not depend on which others are there.
        """


def mean_of(cells: Tensor, mask: Tensor) -> Tensor:
    """Return the mean feature of the cells in a mask: (E, M, C) and (E, M) to (E, C)."""
    total = torch.einsum("emc,em->ec", cells, mask)
    return total / mask.sum(1, keepdim=True).clamp_min(1e-10)


def cosine(cells: Tensor, direction: Tensor) -> Tensor:
    """Return cosine similarities (E, M) of cells of length 1, (E, M, C), with vectors (E, C)."""
    return torch.bmm(cells, normalize(direction, dim=-1, eps=1e-10).unsqueeze(2)).squeeze(2)
