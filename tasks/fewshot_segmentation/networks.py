"""The networks that the task's `network` setting names, with or without ImageNet weights."""

from __future__ import annotations

from typing import Literal

import torch

from models.segmentation import DilatedNetwork, PSPNet, SegmentationNetwork
from repro.data import DataFile, locate
from repro.errors import UserError

NetworkName = Literal["dilated", "pspnet50", "pspnet101"]
Pretraining = Literal["none", "imagenet", "imagenet_deep_stem"]

_LICENCE = "BSD-3-Clause (torchvision)"


def _weights(name: str) -> DataFile:
    url = f"https://download.pytorch.org/models/{name}"
    return DataFile(name, (url,), None, _LICENCE, "https://github.com/pytorch/vision")


#: torchvision's first set of weights, with one convolution of 7 × 7 as the stem.
IMAGENET = {50: _weights("resnet50-0676ba61.pth"), 101: _weights("resnet101-63fe2227.pth")}

#: Those of the released code, whose stem is three small convolutions: on a personal drive only.
IMAGENET_DEEP_STEM = {
    depth: DataFile(
        f"resnet{depth}_v2.pth", (), None, "not stated", "the links in the README of PFENet"
    )
    for depth in (50, 101)
}


def weights_of(name: NetworkName, pretraining: Pretraining) -> DataFile:
    """Return the file of the backbone's ImageNet weights."""
    files = IMAGENET if pretraining == "imagenet" else IMAGENET_DEEP_STEM
    return files[50 if name == "pspnet50" else 101]


def build_network(
    name: NetworkName, classes: int, seed: int, pretraining: Pretraining = "none"
) -> SegmentationNetwork:
    """Return a network for ``classes`` classes, background included; ``seed`` draws its weights.

    ``pretraining``  replaces the backbone's weights by ImageNet's, for PSPNet
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if name == "dilated":
            return DilatedNetwork(classes)
        depth: Literal[50, 101] = 50 if name == "pspnet50" else 101
        network = PSPNet(classes, depth, deep_stem=pretraining == "imagenet_deep_stem")
    if pretraining != "none":
        try:
            network.load_backbone(locate(weights_of(name, pretraining)))
        except ValueError as error:
            raise UserError(f"{error}; fetch the file again") from error
    return network
