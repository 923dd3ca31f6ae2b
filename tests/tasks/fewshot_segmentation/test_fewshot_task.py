"""The task end to end: pinned metrics, pairing, what pilots may see, and the user's mistakes."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from baselines.fewshot_segmentation.linear_head import LinearHead
from baselines.fewshot_segmentation.prototype_matching import PrototypeMatching
from baselines.fewshot_segmentation.support_threshold import SupportThreshold
from methods.repri import RePRI
from repro.context import RunContext
from repro.errors import Interrupted, UserError
from tasks.fewshot_segmentation import BaseNetwork, FewShotSegmentation, evaluation
from tasks.fewshot_segmentation.generated import TexturedShapes

TASK = FewShotSegmentation(
    epochs=2, checkpoints=2, learning_rate=0.1, episodic_learning_rate=0.01, tasks=12, runs=2
)
#: Learns slowly, so that the last bits of a sum, which differ between processors, do not grow: at a
#: rate of 0.3 one processor's mean IoU is up to 7 points from another's, at these up to 0.3.
PINNED_TASK = replace(TASK, learning_rate=0.02, episodic_learning_rate=0.001)
METHODS = {
    "repri": RePRI(),
    "prototype": PrototypeMatching(),
    "panet": PrototypeMatching("episodic"),
    "linear_head": LinearHead(),
    "support_threshold": SupportThreshold(),
}


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    """Base networks that the tests of this module share."""
    return tmp_path_factory.mktemp("artifacts")


def context(directory, artifacts, dataset="textured_shapes", seed=1000):
    directory.mkdir(parents=True, exist_ok=True)
    name = "tasks.fewshot_segmentation.FewShotSegmentation"
    return RunContext(name, dataset, seed, directory, artifact_root=artifacts)


@dataclass
class Recorder:
    """Segments everything, and keeps the tasks that it is given."""

    base: BaseNetwork = field(default_factory=BaseNetwork)
    seen: list = field(default_factory=list)

    def segment(self, episodes):
        self.seen.append(episodes)
        return torch.ones_like(episodes.counted)


# Seeded once with torch 2.13, with the instructions of AVX2 and of AVX-512.
PINNED = {
    "repri": {"miou@1": 19.2, "miou@10": 25.6},
    "prototype": {"miou@1": 24.9, "miou@10": 29.9},
    "panet": {"miou@1": 16.3, "miou@10": 23.1},
    "linear_head": {"miou@1": 16.7, "miou@10": 29.3},
    "support_threshold": {"miou@1": 13.5, "miou@10": 29.1},
}


@pytest.mark.parametrize("key", list(METHODS))
def test_a_seeded_run_gives_the_pinned_metrics(key, tmp_path, artifacts):
    metrics = PINNED_TASK.run(METHODS[key], context(tmp_path, artifacts))
    levels = [f"{n}@{k}" for n in ("miou", "tasks_per_second", "share_error") for k in (1, 5, 10)]
    assert set(metrics) == {*levels, "miou_mean", "base_miou"}
    assert all(math.isfinite(value) for value in metrics.values())
    mean = sum(metrics[f"miou@{k}"] for k in (1, 5, 10)) / 3
    assert metrics["miou_mean"] == pytest.approx(mean)
    for name, value in PINNED[key].items():
        assert metrics[name] == pytest.approx(value, abs=1.5), name


def test_methods_on_one_network_see_the_same_tasks(tmp_path, artifacts):
    first, second = Recorder(), Recorder()
    for place, recorder in enumerate((first, second)):
        TASK.run(recorder, context(tmp_path / str(place), artifacts))
    for ours, theirs in zip(first.seen, second.seen, strict=True):
        assert torch.equal(ours.query, theirs.query)
        assert torch.equal(ours.support, theirs.support)


def test_another_network_sees_the_same_labels(tmp_path, artifacts):
    plain, episodic = Recorder(), Recorder(BaseNetwork("episodic"))
    for place, recorder in enumerate((plain, episodic)):
        TASK.run(recorder, context(tmp_path / str(place), artifacts))
    for ours, theirs in zip(plain.seen, episodic.seen, strict=True):
        assert torch.equal(ours.foreground, theirs.foreground)
        assert torch.equal(ours.proportion, theirs.proportion)
        assert not torch.equal(ours.query, theirs.query)


def test_fewer_shots_have_the_first_supports_of_more(tmp_path, artifacts):
    recorder = Recorder()
    TASK.run(recorder, context(tmp_path, artifacts))
    # The pictures' tasks come first, before anything is timed.
    pictures, one, five, ten = recorder.seen
    assert (len(pictures), pictures.shots) == (4, 1)
    assert (one.shots, five.shots, ten.shots) == (1, 5, 10)
    assert torch.equal(one.support, ten.support[:, :1])
    assert torch.equal(five.support, ten.support[:, :5])
    assert torch.equal(one.query, ten.query)


def test_runs_and_seeds_draw_other_tasks(tmp_path, artifacts):
    first, second = Recorder(), Recorder()
    TASK.run(first, context(tmp_path / "a", artifacts))
    task = replace(TASK, base_seed=1000)
    task.run(second, context(tmp_path / "b", artifacts, seed=1001))
    # Tasks of both runs are given at once, 12 of each.
    assert len(first.seen[1]) == 24
    assert not torch.equal(first.seen[1].query[:12], first.seen[1].query[12:])
    assert not torch.equal(first.seen[1].proportion, second.seen[1].proportion)


def test_pilots_and_tuning_never_see_the_test(tmp_path, artifacts, monkeypatch):
    original = TexturedShapes.tasks_from

    def guarded(self, split, seed, side):
        assert split == "validation"
        return original(self, split, seed, side)

    monkeypatch.setattr(TexturedShapes, "tasks_from", guarded)
    for method in (RePRI(steps=2), RePRI(steps=2, selection="novel")):
        metrics = replace(TASK, evaluate="validation").run(method, context(tmp_path, artifacts))
        assert set(metrics) == {"validation_miou", "base_miou"}


def test_the_leak_may_take_another_checkpoint_and_never_another_training(tmp_path, artifacts):
    base, leak = Recorder(), Recorder(BaseNetwork(selection="novel"))
    used = []
    for place, recorder in enumerate((base, leak)):
        own = context(tmp_path / str(place), artifacts)
        TASK.run(recorder, own)
        used.append(own.artifacts_used)
    assert used[0] == used[1]
    # Two checkpoints are tried on tasks of their own before the measured ones.
    assert [e.shots for e in leak.seen[:2]] == [1, 1]
    assert len(leak.seen[0]) == 100
    assert len(leak.seen) == len(base.seen) + 2


def test_an_interrupted_trial_goes_on_after_its_last_portion(tmp_path, artifacts, monkeypatch):
    task = replace(TASK, base_seed=1000)
    whole = task.run(RePRI(steps=2), context(tmp_path / "whole", artifacts))
    # 11 images a task: two tasks in a portion.
    monkeypatch.setattr(evaluation, "IMAGES_AT_ONCE", 22)
    stopped = context(tmp_path / "stopped", artifacts)
    stopped.should_stop = lambda: True
    with pytest.raises(Interrupted, match="stopped after step 1"):
        task.run(RePRI(steps=2), stopped)
    recorder = Recorder()
    again = context(tmp_path / "stopped", artifacts)
    task.run(recorder, again)
    assert again.resumed_from == 1
    # Pictures, and 11 of 12 portions at three numbers of shots.
    assert len(recorder.seen) == 1 + 11 * 3
    parts = context(tmp_path / "parts", artifacts)
    for name, value in task.run(RePRI(steps=2), parts).items():
        if not name.startswith("tasks_per_second"):
            assert value == pytest.approx(whole[name], rel=1e-5), name


def test_a_method_may_name_another_network(tmp_path, artifacts):
    first, second = Recorder(), Recorder(BaseNetwork(network="dilated"))
    for place, recorder in enumerate((first, second)):
        TASK.run(recorder, context(tmp_path / str(place), artifacts))
    assert torch.equal(first.seen[0].query, second.seen[0].query)
    settings = FewShotSegmentation(network="pspnet50", base_seed=0)._base_settings(
        "pascal_5i_fold0", RePRI(network="pspnet101").base, 0
    )
    assert settings.network == "pspnet101"


def test_data_sets_with_one_base_set_share_its_network(tmp_path, artifacts):
    used = []
    for dataset in ("textured_shapes", "shifted_shapes"):
        own = context(tmp_path / dataset, artifacts, dataset)
        TASK.run(Recorder(), own)
        used.append(own.artifacts_used)
    assert used[0] == used[1]


def test_a_shared_seed_gives_all_seeds_one_base_network(tmp_path, artifacts):
    task = replace(TASK, base_seed=1000)
    used = []
    for seed in (1000, 7):
        own = context(tmp_path / str(seed), artifacts, seed=seed)
        task.run(Recorder(), own)
        used.append(own.artifacts_used)
    assert used[0] == used[1]
    wanted = task.artifacts("textured_shapes")
    assert len(wanted) == 2
    assert wanted[0][1]["seed"] == 1000
    deeper = replace(task, network="pspnet50", more_networks=("pspnet101",))
    names = [(s["network"], s["training"]) for _, s in deeper.artifacts("pascal_5i_fold0")]
    assert names == [
        ("pspnet50", "cross_entropy"),
        ("pspnet50", "episodic"),
        ("pspnet101", "cross_entropy"),
    ]
    assert TASK.artifacts("textured_shapes") == []


def test_pictures_are_written(tmp_path, artifacts):
    TASK.run(RePRI(steps=2), context(tmp_path, artifacts))
    for place in range(1, 5):
        with Image.open(tmp_path / "artifacts" / f"task_{place}.png") as picture:
            assert picture.size == (384, 192)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("tasks", 0, "tasks is 0; it must be above 0"),
        ("batch_size", 1, "batch normalisation"),
        ("shots", [], "shots is"),
        ("shots", [0, 5], "numbers from 1 on"),
        ("network", "resnet", "network is 'resnet'; it must be one of dilated"),
        ("evaluate", "train", "evaluate is 'train'"),
        ("pretraining", "imagenet", "dilated has no ImageNet weights"),
    ],
)
def test_impossible_settings_are_named(setting, value, message):
    with pytest.raises(UserError, match=message):
        FewShotSegmentation(**{setting: value})


def test_an_unknown_data_set_is_named(tmp_path, artifacts):
    with pytest.raises(UserError, match="did you mean 'textured_shapes'"):
        TASK.run(RePRI(), context(tmp_path, artifacts, "textured_shape"))


def test_known_data_sets_and_their_files():
    assert {"textured_shapes", "pascal_5i_fold0"} <= set(FewShotSegmentation.known_datasets())
    assert FewShotSegmentation.data_files("textured_shapes") == ()
    names = {file.name for file in FewShotSegmentation.data_files("coco_to_pascal_fold2")}
    weights = {"resnet50-0676ba61.pth", "resnet101-63fe2227.pth"}
    assert {"train2014.zip", "benchmark.tgz", *weights} <= names


def test_nothing_here_needs_torchvision():
    """It has no CPU build everywhere; networks and loaders do without."""
    root = Path(__file__).parents[3]
    sources = [*root.glob("models/**/*.py"), *root.glob("tasks/fewshot_segmentation/*.py")]
    assert not [path for path in sources if "import torchvision" in path.read_text()]
