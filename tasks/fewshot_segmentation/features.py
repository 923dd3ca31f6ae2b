"""From scenes to what methods see: features of a frozen network, labels on its grid."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from models.segmentation import SegmentationNetwork
from tasks.fewshot_segmentation.protocol import Episodes
from tasks.fewshot_segmentation.sampling import Tasks
from tasks.fewshot_segmentation.scenes import IGNORED, SceneSet

#: Images per forward pass.
FORWARD_IMAGES = 64


class Encoded(NamedTuple):
    """Images of some tasks after the network.

    ``numbers``   (n,), sorted: which images
    ``features``  (n, h w, C), in row-major order of the grid
    ``labels``    (n, H, H): classes of pixels
    ``grid``      h = w
    ``seconds_per_image``  of the network; processor time on a CPU
    """

    numbers: np.ndarray
    features: Tensor
    labels: Tensor
    grid: int
    seconds_per_image: float


@torch.no_grad()
def encode(network: SegmentationNetwork, scenes: SceneSet, tasks: Tasks, device: str) -> Encoded:
    """Return the features of every image of ``tasks``, each computed once."""
    numbers = np.unique(np.concatenate([tasks.query, tasks.support.ravel()]))
    features, labels, seconds = [], [], 0.0
    for part in np.array_split(numbers, -(-len(numbers) // FORWARD_IMAGES)):
        read = scenes.read(part.tolist())
        images = read.images.to(device)
        watch = Stopwatch(device)
        found = network.features(images)
        seconds += watch.seconds()
        features.append(found.flatten(2).transpose(1, 2).contiguous())
        labels.append(read.labels.to(device))
    grid = found.shape[-1]
    return Encoded(numbers, torch.cat(features), torch.cat(labels), grid, seconds / len(numbers))


def episodes_of(encoded: Encoded, tasks: Tasks, shots: int) -> Episodes:
    """Return ``tasks`` with their first ``shots`` supports, as methods see them."""
    device = encoded.features.device
    query, support = (
        torch.from_numpy(np.searchsorted(encoded.numbers, images)).to(device)
        for images in (tasks.query, tasks.support[:, :shots])
    )
    classes = torch.from_numpy(tasks.classes).to(device)
    coarse = nearest(encoded.labels, encoded.grid).flatten(1)
    of_query, of_support = coarse[query], coarse[support]
    dtype = encoded.features.dtype
    counted = (of_query != IGNORED).to(dtype)
    truth = (of_query == classes[:, None]).to(dtype)
    return Episodes(
        support=encoded.features[support],
        foreground=(of_support == classes[:, None, None]).to(dtype),
        annotated=(of_support != IGNORED).to(dtype),
        query=encoded.features[query],
        counted=counted,
        proportion=truth.sum(1) / counted.sum(1).clamp_min(1),
    )


def nearest(labels: Tensor, grid: int) -> Tensor:
    """Return labels (n, H, H) on a grid of cells, each with the label of its nearest pixel."""
    small = interpolate(labels[:, None].float(), size=(grid, grid), mode="nearest")
    return small[:, 0].long()


@dataclass
class Stopwatch:
    """Seconds since it was made: of this thread's processor time on a CPU, of a clock on a GPU.

    Processor time leaves out what other programs on the machine take.
    """

    device: str

    def __post_init__(self) -> None:
        self._start = self._now()

    def seconds(self) -> float:
        """Return the seconds so far; on a GPU, after all its work is done."""
        return self._now() - self._start

    def _now(self) -> float:
        if self.device == "cpu":
            return time.thread_time()
        torch.cuda.synchronize()
        return time.perf_counter()
