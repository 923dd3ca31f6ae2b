"""What every segmentation network offers: features on a coarse grid, and class scores of pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn
from torch.nn.functional import interpolate


class SegmentationNetwork(nn.Module, ABC):
    """Features of an encoder, classified pixel by pixel with a 1 × 1 convolution.

    ``channels``  C, the number of features of each grid cell
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.channels = channels
        self.classifier = nn.Conv2d(channels, classes, kernel_size=1)

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Return the features (n, C, h, w) of images (n, 3, H, W)."""

    def forward(self, images: Tensor) -> Tensor:
        """Return class scores (n, classes, H, W) of images (n, 3, H, W)."""
        scores: Tensor = self.classifier(self.features(images))
        return upsampled(scores, images.shape[-1])


def upsampled(scores: Tensor, size: int) -> Tensor:
    """Return scores (n, k, h, w) on a square of ``size`` pixels, bilinearly, corners aligned."""
    return interpolate(scores, size=(size, size), mode="bilinear", align_corners=True)


def convolution(
    inputs: int, outputs: int, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Return a convolution that keeps the grid but for its stride, normalised and rectified."""
    padding = dilation * (kernel - 1) // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
