"""The task's networks by name: seeds, ImageNet weights, and files that do not fit."""

import pytest
import torch

from models.segmentation import DilatedNetwork, PSPNet
from repro.errors import UserError
from tasks.fewshot_segmentation.networks import build_network, weights_of


def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    first, again, other = (build_network("dilated", 4, seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert isinstance(first, DilatedNetwork)
    assert torch.equal(first.classifier.weight, again.classifier.weight)
    assert not torch.equal(first.classifier.weight, other.classifier.weight)


def test_names_stand_for_depths():
    assert weights_of("pspnet50", "imagenet").name == "resnet50-0676ba61.pth"
    assert weights_of("pspnet101", "imagenet").name == "resnet101-63fe2227.pth"
    assert weights_of("pspnet101", "imagenet_deep_stem").name == "resnet101_v2.pth"


@pytest.mark.slow
@pytest.mark.parametrize("pretraining", ["imagenet", "imagenet_deep_stem"])
def test_imagenet_weights_replace_the_backbones(pretraining, found):
    source = PSPNet(3, 50, deep_stem=pretraining == "imagenet_deep_stem").backbone
    path = found / weights_of("pspnet50", pretraining).name
    torch.save({**source.state_dict(), "fc.bias": torch.zeros(1000)}, path)
    network = build_network("pspnet50", 4, 0, pretraining)
    for ours, theirs in zip(network.backbone.parameters(), source.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_file_of_another_network_is_named(found):
    path = found / weights_of("pspnet50", "imagenet").name
    torch.save({"conv1.weight": torch.zeros(64, 3, 7, 7)}, path)
    with pytest.raises(UserError, match=r"resnet50-0676ba61\.pth holds the weights of another"):
        build_network("pspnet50", 4, 0, "imagenet")


def test_weights_on_a_personal_drive_are_asked_for_by_name(found):
    with pytest.raises(UserError, match=r"resnet50_v2\.pth is not on this machine"):
        build_network("pspnet50", 4, 0, "imagenet_deep_stem")
