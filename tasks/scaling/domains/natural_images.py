"""Natural images in raster order, three tokens a pixel, as the paper has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from models.language import Batch, Batches, shifted
from tasks.scaling.domains.domain import TEST, Labelled, OfUnknownEntropy, cut, random_at
from tasks.scaling.domains.image_sets import IMAGE_SETS, read_images

LEVELS = 256
#: Every image starts with this token.
START = LEVELS
#: Images that losses are measured on; a seed draws them of those that training does not see.
TEST_IMAGES = 4096
_TRAIN, _HELD_OUT = 11, 12


@dataclass(frozen=True)
class NaturalImages(OfUnknownEntropy):
    """Images as a start token and the 3 · side² levels of their colours, 0 to 255.

    ``name``  one of ``IMAGE_SETS``
    """

    name: str
    vocabulary: int = LEVELS + 1

    @property
    def context(self) -> int:
        """The start token and all levels but the last."""
        return 3 * IMAGE_SETS[self.name].side ** 2

    def batches(self, rows: int, seed: int) -> Batches:
        """Return training images, drawn anew for each step."""
        return _Drawn(self.name, rows, seed)

    def tests(self, seed: int) -> dict[str, list[Batch]]:
        """Return images that training does not see."""
        images = read_images(self.name, "test").tokens
        return {TEST: cut(shifted(started(images[_tested(len(images), seed)])))}

    def labelled(self, seed: int) -> Labelled:
        """Return images with their classes, each what a model reads of it; the test's are `tests`'.

        In 16 bits: a million images of 3,072 tokens would not fit in memory as numbers of 64.
        """
        train, test = read_images(self.name, "train"), read_images(self.name, "test")
        own = _tested(len(test.labels), seed)
        return Labelled(
            (_read_of(train.tokens), torch.from_numpy(train.labels)),
            (_read_of(test.tokens[own]), torch.from_numpy(test.labels[own])),
            IMAGE_SETS[self.name].classes,
        )


@dataclass(frozen=True)
class _Drawn:
    name: str
    rows: int
    seed: int

    def at(self, step: int) -> Batch:
        """Return the batch of ``step``: no image twice in one, where there are enough."""
        images = read_images(self.name, "train").tokens
        random = random_at(_TRAIN, self.seed, step)
        again = self.rows > len(images)
        return shifted(started(images[random.choice(len(images), self.rows, replace=again)]))


def started(images: np.ndarray) -> torch.Tensor:
    """Return images (n, levels) as tokens with the start token first, (n, 1 + levels)."""
    levels = torch.from_numpy(images).to(torch.int64)
    return torch.cat([torch.full((len(levels), 1), START), levels], 1)


def _read_of(images: np.ndarray) -> torch.Tensor:
    """Return the start token and all levels but the last, at their places in training."""
    tokens = np.empty(images.shape, dtype=np.int16)
    tokens[:, 0], tokens[:, 1:] = START, images[:, :-1]
    return torch.from_numpy(tokens)


def _tested(count: int, seed: int) -> np.ndarray:
    return random_at(_HELD_OUT, seed).permutation(count)[:TEST_IMAGES]
