"""Intersection over union, accumulated by class over many images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from tasks.fewshot_segmentation.scenes import IGNORED


@dataclass
class Overlap:
    """Pixels in the intersection and in the union of prediction and truth, for each class."""

    intersection: np.ndarray
    union: np.ndarray

    @classmethod
    def of(cls, classes: int) -> Overlap:
        """Return an empty account of classes 0 … ``classes`` − 1."""
        return cls(np.zeros(classes, dtype=np.int64), np.zeros(classes, dtype=np.int64))

    def add_tasks(self, predicted: Tensor, labels: Tensor, classes: Tensor) -> None:
        """Add binary predictions (E, H, H) of one class (E,) each; ignored pixels do not count."""
        truth, counted = labels == classes[:, None, None], labels != IGNORED
        both = (predicted & truth & counted).sum((1, 2))
        either = ((predicted | truth) & counted).sum((1, 2))
        for total, part in ((self.intersection, both), (self.union, either)):
            np.add.at(total, classes.cpu().numpy(), part.cpu().numpy())

    def add_maps(self, predicted: Tensor, labels: Tensor) -> None:
        """Add predicted classes (n, H, H) of all pixels; ignored ones do not count."""
        counted = labels != IGNORED
        size = len(self.union)
        pairs = torch.bincount(labels[counted] * size + predicted[counted], minlength=size**2)
        table = pairs.view(size, size).cpu().numpy()
        self.intersection += table.diagonal()
        self.union += table.sum(0) + table.sum(1) - table.diagonal()

    @property
    def mean(self) -> float:
        """Mean intersection over union of the classes that occurred, in per cent."""
        there = self.union > 0
        if not there.any():
            return float("nan")
        return 100 * float((self.intersection[there] / self.union[there]).mean())
