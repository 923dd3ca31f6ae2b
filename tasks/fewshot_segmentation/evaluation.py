"""Tasks segmented and measured: overlap by class, time, and error of the foreground's share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from models.segmentation import SegmentationNetwork
from models.segmentation.network import upsampled
from tasks.fewshot_segmentation.features import Encoded, Stopwatch, encode, episodes_of
from tasks.fewshot_segmentation.overlap import Overlap
from tasks.fewshot_segmentation.protocol import Episodes
from tasks.fewshot_segmentation.sampling import Tasks
from tasks.fewshot_segmentation.scenes import IGNORED, SceneSet

Inference = Callable[[Episodes], Tensor]

#: Tasks whose features are held at once, with 1 support or fewer than 6 or more, as released.
_TASKS_AT_ONCE = ((1, 200), (5, 100), (1_000_000, 50))


@dataclass
class Measured:
    """What one number of shots gave: overlaps, seconds, and errors of the foreground's share."""

    overlap: Overlap
    seconds: float = 0.0
    tasks: int = 0
    share_errors: list[float] = field(default_factory=list)

    @property
    def tasks_per_second(self) -> float:
        """Tasks by the time of the network on their images and of the inference."""
        return self.tasks / max(self.seconds, 1e-9)


def measure(
    network: SegmentationNetwork,
    scenes: SceneSet,
    tasks: Tasks,
    shots: tuple[int, ...],
    infer: Inference,
    device: str,
) -> dict[int, Measured]:
    """Return what ``infer`` reaches on ``tasks`` at each number of shots."""
    found = {k: Measured(Overlap.of(IGNORED)) for k in shots}
    for part in _portions(tasks, max(shots)):
        encoded = encode(network, scenes, part, device)
        for k in shots:
            episodes = episodes_of(encoded, part, k)
            watch = Stopwatch(device)
            scores = infer(episodes)
            found[k].seconds += watch.seconds()
            # The network sees k supports and the query; images that tasks share are counted anew.
            found[k].seconds += encoded.seconds_per_image * len(episodes) * (k + 1)
            _account(found[k], masks_of(scores, encoded), encoded, part)
    return found


def overlap_of(
    network: SegmentationNetwork,
    scenes: SceneSet,
    tasks: Tasks,
    shots: int,
    infer: Inference,
    device: str,
) -> Overlap:
    """Return the overlaps of ``infer`` at one number of shots."""
    return measure(network, scenes, tasks, (shots,), infer, device)[shots].overlap


def masks_of(scores: Tensor, encoded: Encoded) -> Tensor:
    """Return masks (E, H, H) of scores (E, P): interpolated, then compared with 0."""
    grid = scores.view(-1, 1, encoded.grid, encoded.grid)
    return upsampled(grid, encoded.labels.shape[-1])[:, 0] > 0


def _account(measured: Measured, masks: Tensor, encoded: Encoded, tasks: Tasks) -> None:
    queries = torch.from_numpy(np.searchsorted(encoded.numbers, tasks.query))
    labels = encoded.labels[queries.to(masks.device)]
    classes = torch.from_numpy(tasks.classes).to(masks.device)
    measured.overlap.add_tasks(masks, labels, classes)
    counted = labels != IGNORED
    truth = (labels == classes[:, None, None]) & counted
    shares = [part.sum((1, 2)) / counted.sum((1, 2)) for part in (masks & counted, truth)]
    measured.share_errors += (100 * (shares[0] - shares[1]).abs()).tolist()
    measured.tasks += len(tasks.query)


def _portions(tasks: Tasks, shots: int) -> Iterator[Tasks]:
    size = next(count for most, count in _TASKS_AT_ONCE if shots <= most)
    for start in range(0, len(tasks.query), size):
        yield Tasks(*(part[start : start + size] for part in tasks))
