"""Pictures of a few tasks: support, query and what a method segments, for the report."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from models.segmentation import SegmentationNetwork
from repro.context import RunContext
from tasks.fewshot_segmentation.evaluation import Inference, masks_of
from tasks.fewshot_segmentation.features import encode, episodes_of
from tasks.fewshot_segmentation.sampling import Tasks
from tasks.fewshot_segmentation.scenes import CHANNEL_MEAN, CHANNEL_SD, Bytes, SceneSet

LEAST_SIDE = 192  # pixels of one panel; smaller scenes are enlarged by a whole factor
TRUTH = np.array([255, 255, 255])
LEFT_OUT = 0.3  # brightness of what a method does not segment


def draw_pictures(
    network: SegmentationNetwork,
    scenes: SceneSet,
    tasks: Tasks,
    count: int,
    infer: Inference,
    context: RunContext,
) -> None:
    """Write ``task_<n>.png`` for the first ``count`` tasks at one shot.

    Left the support, right the query. The true mask has a white outline; what the method leaves out
    is dark.
    """
    some = Tasks(*(part[:count] for part in tasks))
    encoded = encode(network, scenes, some, context.device)
    masks = masks_of(infer(episodes_of(encoded, some, 1)), encoded).cpu().numpy()
    for place, mask in enumerate(masks):
        images, labels = scenes.read([int(some.support[place, 0]), int(some.query[place])])
        truth = (labels == int(some.classes[place])).numpy()
        shown = [_bytes(image) for image in images]
        shown[1][~mask] = (LEFT_OUT * shown[1][~mask]).astype(np.uint8)
        panels = [_panel(image, own) for image, own in zip(shown, truth, strict=True)]
        Image.fromarray(np.concatenate(panels, 1)).save(
            context.artifact_dir / f"task_{place + 1}.png"
        )


def _bytes(image: Tensor) -> Bytes:
    mean, sd = (torch.tensor(values).view(3, 1, 1) for values in (CHANNEL_MEAN, CHANNEL_SD))
    pixels: Bytes = (255 * (image * sd + mean)).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return pixels.copy()


def _panel(image: Bytes, truth: np.ndarray) -> Bytes:
    """Return the image, enlarged, with the outline of the true mask."""
    factor = max(1, -(-LEAST_SIDE // len(image)))
    large, mask = (part.repeat(factor, 0).repeat(factor, 1) for part in (image, truth))
    inner = mask.copy()
    for axis in (0, 1):
        for step in (1, -1):
            inner &= np.roll(mask, step, axis)
    large[mask & ~inner] = TRUTH
    return large
