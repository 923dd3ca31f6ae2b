"""Networks: grids, published numbers of weights, weights in torchvision's names."""

from pathlib import Path

import pytest
import torch

from models.segmentation import DilatedNetwork, PSPNet
from models.segmentation.resnet import DilatedResNet


@pytest.mark.parametrize(("side", "grid"), [(64, 16), (32, 8)])
def test_a_small_network_has_a_quarter_of_the_resolution(side, grid):
    network = DilatedNetwork(classes=5).eval()
    images = torch.zeros(2, 3, side, side)
    assert network.features(images).shape == (2, 32, grid, grid)
    assert network(images).shape == (2, 5, side, side)
    assert (network.features(images) >= 0).all()


def test_a_small_network_sees_63_pixels():
    network = DilatedNetwork(classes=2).eval()
    images = torch.zeros(1, 3, 128, 128, requires_grad=True)
    with torch.no_grad():
        for weight in network.parameters():
            weight.fill_(0.1)
    network.features(images)[0, 0, 16, 16].backward()
    seen = (images.grad.abs().sum((0, 1)) > 0).any(0).sum().item()
    assert seen == 63


@pytest.mark.parametrize(("depth", "weights"), [(50, 25_557_032), (101, 44_549_160)])
def test_a_resnet_has_the_published_number_of_weights(depth, weights):
    """torchvision's documentation counts them with the last layer: 2048 × 1000 + 1000."""
    with torch.device("meta"):
        network = DilatedResNet(depth)
    assert sum(w.numel() for w in network.parameters()) == weights - 2_049_000


@pytest.mark.parametrize("deep_stem", [False, True])
def test_pspnet_has_an_eighth_of_the_resolution(deep_stem):
    """(side − 1)/8 + 1 cells: 53 for the paper's 417 pixels."""
    network = PSPNet(16, 50, deep_stem=deep_stem).eval()
    with torch.no_grad():
        images = torch.zeros(1, 3, 33, 33)
        assert network.features(images).shape == (1, 512, 5, 5)
        assert network(images).shape == (1, 16, 33, 33)


def as_torchvision_saves(network: DilatedResNet, path: Path) -> Path:
    weights = dict(network.state_dict())
    assert {"conv1.weight", "layer1.0.downsample.0.weight", "layer4.2.bn3.running_var"} <= set(
        weights
    )
    last = {"fc.weight": torch.zeros(1000, 2048), "fc.bias": torch.zeros(1000)}
    torch.save({**weights, **last}, path)
    return path


def test_a_file_of_weights_is_taken_without_its_last_layer(tmp_path):
    saved = DilatedResNet(50)
    network = PSPNet(3, 50)
    network.load_backbone(as_torchvision_saves(saved, tmp_path / "resnet50.pth"))
    for ours, theirs in zip(network.backbone.parameters(), saved.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_weights_of_another_network_are_refused(tmp_path):
    path = as_torchvision_saves(DilatedResNet(50), tmp_path / "resnet50.pth")
    with pytest.raises(ValueError, match=r"resnet50\.pth holds the weights of another network"):
        PSPNet(3, 101).load_backbone(path)
