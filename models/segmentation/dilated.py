"""A small network for small images: two strided convolutions, then dilated ones."""

from __future__ import annotations

from torch import Tensor, nn

from models.segmentation.network import SegmentationNetwork, convolution


class DilatedNetwork(SegmentationNetwork):
    """Five 3 × 3 convolutions and a 1 × 1 one; a quarter of the resolution, 63 pixels of context.

    The last layer is a bottleneck with batch normalisation and a rectifier, like PSPNet's.
    """

    def __init__(self, classes: int, width: int = 32) -> None:
        super().__init__(width, classes)
        self.body = nn.Sequential(
            convolution(3, width // 2, stride=2),
            convolution(width // 2, width, stride=2),
            convolution(width, width),
            convolution(width, width, dilation=2),
            convolution(width, width, dilation=4),
            convolution(width, width, kernel=1),
        )

    def features(self, images: Tensor) -> Tensor:
        """Return the features (n, width, H/4, W/4) of images (n, 3, H, W)."""
        found: Tensor = self.body(images)
        return found
