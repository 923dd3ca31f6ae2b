"""ResNet-50 and -101 without their last layer, dilated so that the grid is an eighth of the image.

He, Zhang, Ren and Sun (CVPR 2016). Weights are named as in torchvision, so that its files fit; with
``deep_stem`` as in the files of semseg and PFENet, whose first layer is three small convolutions.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

from torch import Tensor, nn

BLOCKS: dict[int, tuple[int, int, int, int]] = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
EXPANSION = 4


class Bottleneck(nn.Module):
    """1 × 1, 3 × 3 and 1 × 1 convolution with a shortcut; the stride is that of the 3 × 3."""

    def __init__(self, inputs: int, width: int, stride: int, dilation: int) -> None:
        super().__init__()
        outputs = EXPANSION * width
        self.conv1 = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, dilation, dilation, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.downsample = nn.Sequential(shortcut, nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return the block's output (n, 4 · width, h, w)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        found: Tensor = self.relu(self.bn3(self.conv3(y)) + shortcut)
        return found


class DilatedResNet(nn.Module):
    """The four stages; the last two keep the grid and dilate by 2 and 4 in place of a stride."""

    outputs = 512 * EXPANSION

    def __init__(self, depth: Literal[50, 101], deep_stem: bool = False) -> None:
        super().__init__()
        stem, self._inputs = _deep_stem() if deep_stem else _plain_stem()
        for name, layer in stem.items():
            self.add_module(name, layer)
        self._stem = tuple(stem)
        counts = BLOCKS[depth]
        self.layer1 = self._stage(counts[0], 64, stride=1, dilation=1)
        self.layer2 = self._stage(counts[1], 128, stride=2, dilation=1)
        self.layer3 = self._stage(counts[2], 256, stride=1, dilation=2)
        self.layer4 = self._stage(counts[3], 512, stride=1, dilation=4)

    def forward(self, x: Tensor) -> Tensor:
        """Return (n, 2048, H/8, W/8) of images (n, 3, H, W)."""
        for name in self._stem:
            x = self.get_submodule(name)(x)
        found: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return found

    def _stage(self, blocks: int, width: int, stride: int, dilation: int) -> nn.Sequential:
        layers = []
        for place in range(blocks):
            layers.append(Bottleneck(self._inputs, width, stride if place == 0 else 1, dilation))
            self._inputs = EXPANSION * width
        return nn.Sequential(*layers)


Stem = tuple["OrderedDict[str, nn.Module]", int]


def _plain_stem() -> Stem:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    layers["conv1"] = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
    layers["bn1"] = nn.BatchNorm2d(64)
    layers["relu"] = nn.ReLU(inplace=True)
    layers["maxpool"] = nn.MaxPool2d(3, 2, 1)
    return layers, 64


def _deep_stem() -> Stem:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    sizes = ((3, 64, 2), (64, 64, 1), (64, 128, 1))
    for place, (inputs, outputs, stride) in enumerate(sizes, start=1):
        layers[f"conv{place}"] = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        layers[f"bn{place}"] = nn.BatchNorm2d(outputs)
        layers[f"relu{place}"] = nn.ReLU(inplace=True)
    layers["maxpool"] = nn.MaxPool2d(3, 2, 1)
    return layers, 128
