"""PASCAL-5ⁱ, COCO-20ⁱ and COCO → PASCAL on tiny copies in their publishers' byte formats."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from baselines.fewshot_segmentation.prototype_matching import PrototypeMatching
from methods.repri import RePRI
from models.segmentation.resnet import DilatedResNet
from repro.context import RunContext
from repro.errors import UserError
from tasks.archives import Archive
from tasks.fewshot_segmentation import FewShotSegmentation, coco, pascal
from tasks.fewshot_segmentation.data import SOURCES
from tasks.fewshot_segmentation.scenes import present

TASK = FewShotSegmentation(
    epochs=1, checkpoints=2, side=64, shots=(1, 2), tasks=6, runs=1, batch_size=4
)


def context(directory, dataset, seed=0):
    directory.mkdir(parents=True, exist_ok=True)
    name = "tasks.fewshot_segmentation.FewShotSegmentation"
    return RunContext(name, dataset, seed, directory, artifact_root=directory.parent / "artifacts")


@pytest.mark.parametrize("fold", range(4))
def test_folds_of_pascal_partition_its_classes(fold):
    source = SOURCES[f"pascal_5i_fold{fold}"]
    assert pascal.novel_classes(fold) == tuple(range(5 * fold + 1, 5 * fold + 6))
    assert sorted(source.base_classes + pascal.novel_classes(fold)) == list(range(1, 21))


def test_folds_of_coco_take_every_fourth_class():
    folds = [coco.novel_classes(fold) for fold in range(4)]
    assert folds[0][:3] == (1, 5, 9)
    assert folds[3][-1] == 80
    assert sorted(k for fold in folds for k in fold) == list(range(1, 81))
    assert [len(fold) for fold in folds] == [20] * 4


def test_novel_classes_of_coco_to_pascal_are_those_of_the_released_figure():
    """figures/coco2pascal.png: fold 1 has horse, sofa, bicycle and bus, fold 3 bottle, cat, ..."""
    folds = [coco.novel_pascal_classes(fold) for fold in range(4)]
    assert [len(fold) for fold in folds] == [6, 4, 6, 4]
    assert folds[1] == (2, 6, 13, 18)
    assert folds[3] == (5, 8, 10, 14)
    assert sorted(k for fold in folds for k in fold) == list(range(1, 21))


def test_pascal_takes_vocs_label_map_where_there_is_one(pascal_files):
    scenes = pascal.Pascal(64).scenes
    for number, name in enumerate(scenes.names):
        areas = scenes.areas[number]
        assert np.flatnonzero(areas[1:]).tolist() == [pascal_files[name] - 1]
    boundaries = [(scenes.read([k]).labels[0, :40] == 255).any().item() for k in range(20)]
    assert boundaries == [k % 2 == 1 for k in range(20)]


def test_scenes_keep_their_ratio_in_a_padded_square(pascal_files):
    images, labels = pascal.Pascal(64).scenes.read([0, 3])
    assert images.shape == (2, 3, 64, 64)
    assert labels.dtype == torch.int64
    assert (labels[:, 48:] == 255).all()  # 120 × 90 pixels become 64 × 48
    assert (labels[:, :48] != 255).float().mean() > 0.95
    black = (0 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor([0.229, 0.224, 0.225])
    torch.testing.assert_close(images[0, :, 60, 60], black)


def test_label_maps_are_made_once(pascal_files, monkeypatch):
    first = pascal.Pascal(64).scenes.areas
    monkeypatch.setattr(pascal, "files_of_compressed_tar", None)
    np.testing.assert_array_equal(pascal.Pascal(64).scenes.areas, first)


def test_base_training_of_pascal_sees_neither_novel_pixels_nor_the_test(pascal_files):
    source = SOURCES["pascal_5i_fold1"]
    base, tests = source.base(0, 64), source.tasks_from("test", 0, 64)
    assert not set(base.train) & set(base.validation)
    names = {base.scenes.names[k] for k in [*base.train, *base.validation]}
    assert not names & set(pascal.Pascal(64).lists[1])
    labels = base.training_labels(torch.tensor([0, 1, 5, 6, 10, 11, 20, 255]))
    assert labels.tolist() == [0, 1, 5, 255, 255, 6, 15, 255]
    assert tests.classes == (6, 7, 8, 9, 10)
    assert (present(tests.scenes, tests.classes).sum(0) == 4).all()


def test_an_image_without_a_label_map_is_an_error_that_names_it(pascal_files, found):
    (found / "val.txt").write_text("JPEGImages/2008_999999.jpg SegmentationClassAug/x.png\n")
    with pytest.raises(UserError, match="2008_999999 has a label map neither in"):
        _ = pascal.Pascal(64).scenes


def test_a_damaged_archive_is_an_error_that_names_it(found):
    (found / "VOCtrainval_11-May-2012.tar").write_bytes(b"x" * 2000)
    with pytest.raises(UserError, match=r"VOCtrainval.* is not a whole tar archive"):
        Archive(found / "VOCtrainval_11-May-2012.tar").read("any")


def test_coco_draws_objects_and_leaves_crowds_out(coco_files):
    scenes = coco.CocoPart("val", 64).scenes
    assert len(scenes.names) == 160
    for number in range(160):
        areas = scenes.areas[number]
        assert np.flatnonzero(areas[1:]).tolist() == [number % 80]
        assert 3500 < areas[1:].sum() <= 3600


def test_later_objects_lie_over_earlier_ones_and_all_outlines_count():
    square = lambda x, y, side: [x, y, x + side, y, x + side, y + side, x, y + side]  # noqa: E731
    content = {
        "categories": [{"id": 7}, {"id": 3}],
        "images": [{"id": 1, "width": 20, "height": 10, "file_name": "a.jpg"}],
        "annotations": [
            {
                "image_id": 1,
                "category_id": 7,
                "iscrowd": 0,
                "segmentation": [square(0, 0, 5), square(10, 0, 5)],
            },
            {"image_id": 1, "category_id": 3, "iscrowd": 0, "segmentation": [square(3, 3, 4)]},
        ],
    }
    ((name, label),) = coco.draw_label_maps(content)
    assert name == "a"
    assert (label[0, 0], label[0, 12], label[4, 4], label[9, 19]) == (2, 2, 1, 0)


def test_coco_to_pascal_trains_as_coco_and_tests_on_pascal(coco_files, pascal_files):
    source, plain = SOURCES["coco_to_pascal_fold1"], SOURCES["coco_20i_fold1"]
    assert source.base_name == plain.base_name
    np.testing.assert_array_equal(source.base(0, 64).train, plain.base(0, 64).train)
    tests = source.tasks_from("test", 0, 64)
    assert tests.classes == (2, 6, 13, 18)
    assert len(tests.scenes.areas) == 80


@pytest.mark.parametrize("method", [RePRI(steps=3), PrototypeMatching("episodic")])
def test_pascal_runs_end_to_end(method, pascal_files, tmp_path):
    trial = context(tmp_path / "trial", "pascal_5i_fold0")
    metrics = TASK.run(method, trial)
    assert all(0 <= metrics[f"miou@{k}"] <= 100 for k in (1, 2))
    assert {"VOCtrainval_11-May-2012.tar", "benchmark.tgz", "val.txt"} <= set(trial.data_hashes)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", ["coco_20i_fold2", "coco_to_pascal_fold1"])
def test_coco_runs_end_to_end(dataset, coco_files, pascal_files, tmp_path):
    # Two images of a class are too few for a held-out query beside two supports.
    task = replace(TASK, shots=(1,)) if dataset.startswith("coco_20i") else TASK
    trial = context(tmp_path / "trial", dataset)
    metrics = task.run(RePRI(steps=3), trial)
    assert 0 <= metrics["miou_mean"] <= 100
    assert {"train2014.zip", "val2014.zip", "annotations_trainval2014.zip"} <= set(
        trial.data_hashes
    )


@pytest.mark.slow
def test_pascal_runs_end_to_end_on_a_network_that_the_method_names(pascal_files, found, tmp_path):
    """PSPNet with a saved backbone in torchvision's names; the deeper one, by the method's word."""
    backbone = {**DilatedResNet(101).state_dict(), "fc.bias": torch.zeros(1000)}
    torch.save(backbone, found / "resnet101-63fe2227.pth")
    task = replace(
        TASK,
        network="pspnet50",
        more_networks=("pspnet101",),
        pretraining="imagenet",
        base_seed=0,
        checkpoints=1,
        batch_size=24,
        shots=(1,),
        tasks=2,
    )
    trial = context(tmp_path / "trial", "pascal_5i_fold0")
    metrics = task.run(RePRI(steps=3, network="pspnet101"), trial)
    assert 0 <= metrics["miou@1"] <= 100
    assert trial.counts["parameters"] > 60_000_000
    assert "resnet101-63fe2227.pth" in trial.data_hashes


def test_missing_files_are_named(found):
    with pytest.raises(UserError, match=r"VOCtrainval_11-May-2012\.tar is not on this machine"):
        TASK.run(RePRI(), context(found.parent / "trial", "pascal_5i_fold0"))
