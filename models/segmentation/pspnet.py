"""PSPNet (Zhao, Shi, Qi, Wang and Jia, CVPR 2017) with a bottleneck of 512 features."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, interpolate

from models.segmentation.network import SegmentationNetwork, convolution
from models.segmentation.resnet import DilatedResNet

BINS = (1, 2, 3, 6)
DROPOUT = 0.1


class PyramidPooling(nn.Module):
    """The input beside its means over grids of 1, 2, 3 and 6 cells a side, each reduced."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        reduced = inputs // len(BINS)
        self.branches = nn.ModuleList(convolution(inputs, reduced, kernel=1) for _ in BINS)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, 2 · inputs, h, w)."""
        parts = [x]
        for bins, reduce in zip(BINS, self.branches, strict=True):
            part = reduce(adaptive_avg_pool2d(x, bins))
            parts.append(interpolate(part, x.shape[-2:], mode="bilinear", align_corners=True))
        return torch.cat(parts, 1)


class PSPNet(SegmentationNetwork):
    """A dilated ResNet, pyramid pooling and a 3 × 3 bottleneck; an eighth of the resolution."""

    def __init__(
        self,
        classes: int,
        depth: Literal[50, 101] = 50,
        *,
        deep_stem: bool = False,
        bottleneck: int = 512,
    ) -> None:
        super().__init__(bottleneck, classes)
        self.backbone = DilatedResNet(depth, deep_stem)
        self.pooling = PyramidPooling(DilatedResNet.outputs)
        self.bottleneck = convolution(2 * DilatedResNet.outputs, bottleneck)
        self.dropout = nn.Dropout2d(DROPOUT)

    def features(self, images: Tensor) -> Tensor:
        """Return the features (n, bottleneck, h, w): 53 × 53 cells for images of 417 pixels."""
        found: Tensor = self.dropout(self.bottleneck(self.pooling(self.backbone(images))))
        return found

    def load_backbone(self, path: Path) -> None:
        """Take ImageNet weights from a file of torchvision's names; its last layer is left out.

        Raises ``ValueError`` where the file's weights are those of another network.
        """
        weights = torch.load(path, map_location="cpu", weights_only=True)
        kept = {name: value for name, value in weights.items() if not name.startswith("fc.")}
        try:
            self.backbone.load_state_dict(kept)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise ValueError(f"{path} holds the weights of another network: {reason}") from error
