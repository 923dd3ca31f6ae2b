"""Tasks segmented and measured: overlap by class, time, and error of the foreground's share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from models.segmentation import SegmentationNetwork
from models.segmentation.network import upsampled
from tasks.fewshot_segmentation.features import Encoded, Stopwatch, encode, episodes_of
from tasks.fewshot_segmentation.overlap import Overlap
from tasks.fewshot_segmentation.protocol import Episodes
from tasks.fewshot_segmentation.sampling import Numbers, Tasks
from tasks.fewshot_segmentation.scenes import IGNORED, SceneSet

Inference = Callable[[Episodes], Tensor]

#: Images whose features are held at once.
IMAGES_AT_ONCE = 600

#: Tasks that are inferred at once, with 1 support or fewer than 6 or more, as released.
_TASKS_AT_ONCE = ((1, 200), (5, 100), (1_000_000, 50))


class Portion(NamedTuple):
    """Some tasks and the number of each one's run."""

    tasks: Tasks
    runs: Numbers


@dataclass
class Measured:
    """What one number of shots gave: a run's overlaps; seconds, and errors of the share, of all."""

    overlaps: list[Overlap]
    seconds: float = 0.0
    tasks: int = 0
    share_errors: list[float] = field(default_factory=list)

    @property
    def tasks_per_second(self) -> float:
        """Tasks by the time of the network on their images and of the inference."""
        return self.tasks / max(self.seconds, 1e-9)

    @property
    def miou(self) -> float:
        """Mean over runs of the mean intersection over union, per cent."""
        return float(np.mean([overlap.mean for overlap in self.overlaps]))


def nothing_measured(shots: Sequence[int], runs: int) -> dict[int, Measured]:
    """Return what is known of each number of shots before the first task."""
    return {k: Measured([Overlap.of(IGNORED) for _ in range(runs)]) for k in shots}


def portions(scenes: SceneSet, runs: Sequence[Tasks]) -> list[Portion]:
    """Return the tasks of all runs, in parts whose images' features fit into memory at once.

    Where those of the whole set do, there is one part, and the network sees each image once.
    """
    tasks = Tasks(*(np.concatenate(part) for part in zip(*runs, strict=True)))
    numbers = np.repeat(np.arange(len(runs)), [len(run.query) for run in runs])
    whole = len(scenes.areas) <= IMAGES_AT_ONCE
    size = len(numbers) if whole else max(1, IMAGES_AT_ONCE // (1 + tasks.support.shape[1]))
    return list(_parts(Portion(tasks, numbers), size))


def measure(
    network: SegmentationNetwork,
    scenes: SceneSet,
    portion: Portion,
    infer: Inference,
    device: str,
    found: dict[int, Measured],
) -> None:
    """Add what ``infer`` reaches on a portion's tasks to ``found``, at each of its shots."""
    encoded = encode(network, scenes, portion.tasks, device)
    for k, measured in found.items():
        for part in _parts(portion, next(count for most, count in _TASKS_AT_ONCE if k <= most)):
            episodes = episodes_of(encoded, part.tasks, k)
            watch = Stopwatch(device)
            scores = infer(episodes)
            measured.seconds += watch.seconds()
            # The network sees k supports and the query; images that tasks share are counted anew.
            measured.seconds += encoded.seconds_per_image * len(episodes) * (k + 1)
            _account(measured, masks_of(scores, encoded), encoded, part)


def miou_of(
    network: SegmentationNetwork,
    scenes: SceneSet,
    tasks: Tasks,
    shots: int,
    infer: Inference,
    device: str,
) -> float:
    """Return the mean intersection over union of ``infer`` at one number of shots, per cent."""
    found = nothing_measured((shots,), 1)
    for portion in portions(scenes, [tasks]):
        measure(network, scenes, portion, infer, device, found)
    return found[shots].miou


def masks_of(scores: Tensor, encoded: Encoded) -> Tensor:
    """Return masks (E, H, H) of scores (E, P): interpolated, then compared with 0."""
    grid = scores.view(-1, 1, encoded.grid, encoded.grid)
    return upsampled(grid, encoded.labels.shape[-1])[:, 0] > 0


def _account(measured: Measured, masks: Tensor, encoded: Encoded, part: Portion) -> None:
    queries = torch.from_numpy(np.searchsorted(encoded.numbers, part.tasks.query))
    labels = encoded.labels[queries.to(masks.device)]
    classes = torch.from_numpy(part.tasks.classes).to(masks.device)
    for run in np.unique(part.runs):
        own = torch.from_numpy(part.runs == run).to(masks.device)
        measured.overlaps[run].add_tasks(masks[own], labels[own], classes[own])
    counted = labels != IGNORED
    truth = (labels == classes[:, None, None]) & counted
    shares = [one.sum((1, 2)) / counted.sum((1, 2)) for one in (masks & counted, truth)]
    measured.share_errors += (100 * (shares[0] - shares[1]).abs()).tolist()
    measured.tasks += len(queries)


def _parts(portion: Portion, size: int) -> Iterator[Portion]:
    for start in range(0, len(portion.runs), size):
        own = slice(start, start + size)
        yield Portion(Tasks(*(part[own] for part in portion.tasks)), portion.runs[own])
