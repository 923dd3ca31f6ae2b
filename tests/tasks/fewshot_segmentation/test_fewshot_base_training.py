"""Base training: learns, is seeded, never sees a novel class, keeps what it says."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch

from repro.trials.artifact import Artifact, build
from tasks.fewshot_segmentation import base_training
from tasks.fewshot_segmentation.base_training import train_base
from tasks.fewshot_segmentation.generated import TexturedShapes
from tasks.fewshot_segmentation.sources import BaseScenes
from tasks.fewshot_segmentation.training_run import BaseSettings, BaseTraining


def settings(**others):
    given = {
        "base": "textured_shapes",
        "folder": "",
        "training": "cross_entropy",
        "network": "dilated",
        "pretraining": "none",
        "epochs": 1,
        "batch_size": 12,
        "learning_rate": 0.1,
        "side": 64,
        "checkpoints": 2,
        "seed": 1000,
    }
    return BaseSettings(**{**given, **others})


def built(directory, **others):
    directory.mkdir()
    train_base(directory, **asdict(settings(**others)))
    return json.loads((directory / "selection.json").read_text())


@pytest.mark.parametrize("training", ["cross_entropy", "episodic"])
def test_an_artefact_has_its_checkpoints_and_their_scores(training, tmp_path):
    selection = built(tmp_path / "a", training=training)
    assert selection["steps"] == [25, 50]
    assert selection["classes"] == 11
    assert len(selection["scores"]) == 2
    assert selection["best"] == int(np.argmax(selection["scores"]))
    weights = [torch.load(tmp_path / "a" / f"checkpoint_{k}.pt", weights_only=True) for k in (0, 1)]
    assert weights[0].keys() == weights[1].keys()
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    again = built(tmp_path / "b", training=training)
    assert again == selection


def test_training_lowers_the_loss():
    run = BaseTraining.start(settings(epochs=2))
    seen = []
    for loss in run.losses():
        run.descend(loss)
        seen.append(loss.item())
    assert np.mean(seen[-10:]) < 0.8 * np.mean(seen[:5])


def test_both_kinds_start_from_the_same_weights():
    starts = [
        BaseTraining.start(settings(training=t)).network for t in ("cross_entropy", "episodic")
    ]
    for first, second in zip(*(n.parameters() for n in starts), strict=True):
        assert torch.equal(first, second)


def test_the_rate_falls_to_its_end():
    run = BaseTraining.start(settings(batch_size=60))
    rates = []
    for loss in run.losses():
        run.descend(loss)
        rates.append(run.optimizer.param_groups[0]["lr"])
    assert rates[0] == pytest.approx(0.1)
    assert rates == sorted(rates, reverse=True)
    assert rates[5] == pytest.approx(0.5 * 0.1, rel=1e-3)


class KilledError(Exception):
    """Stands for the end of a job's time."""


@pytest.mark.parametrize("training", ["cross_entropy", "episodic"])
def test_a_killed_training_goes_on_and_ends_as_if_it_had_not_been(training, tmp_path, monkeypatch):
    how = asdict(settings(training=training, batch_size=60, epochs=2, checkpoints=4))
    whole = tmp_path / "whole"
    whole.mkdir()
    train_base(whole, **how)
    artifact = Artifact(train_base, how)
    monkeypatch.setattr(base_training, "KEEP_SECONDS", 0.0)
    original, steps = BaseTraining.descend, []

    def descend(self, loss):
        if len(steps) == 13:
            steps.append("killed")
            raise KilledError
        original(self, loss)
        steps.append(self.step)

    monkeypatch.setattr(BaseTraining, "descend", descend)
    with pytest.raises(KilledError):
        build(artifact, tmp_path)
    content = build(artifact, tmp_path)
    assert steps == [*range(1, 14), "killed", *range(14, 21)]
    assert not (content / "resume").exists()
    assert json.loads((content / "selection.json").read_text()) == json.loads(
        (whole / "selection.json").read_text()
    )
    for number in range(4):
        ours, theirs = (
            torch.load(folder / f"checkpoint_{number}.pt", weights_only=True)
            for folder in (content, whole)
        )
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_few_steps_fill_every_checkpoint(tmp_path):
    selection = built(tmp_path / "a", batch_size=600, checkpoints=3)
    assert selection["steps"] == [1, 1, 1]
    assert (tmp_path / "a" / "checkpoint_2.pt").exists()


def test_nothing_of_the_test_is_read(tmp_path, monkeypatch):
    def forbidden(*_):
        raise AssertionError("base training asked for tasks of novel classes")

    monkeypatch.setattr(TexturedShapes, "tasks_from", forbidden)
    assert built(tmp_path / "a", training="episodic")["steps"]


def test_flips_move_labels_with_their_images():
    run = BaseTraining.start(settings())
    images, labels = run.data.scenes.read([0] * 40)
    plain, own = images[0], labels[0]
    turned, moved = run._read(run.data.scenes, [0] * 40, flips=True)
    kinds = set()
    for image, label in zip(turned, moved, strict=True):
        for axes in ((), (1,), (2,), (1, 2)):
            if torch.equal(image, plain.flip(axes)):
                assert torch.equal(label, own.flip([axis - 1 for axis in axes]))
                kinds.add(axes)
    assert len(kinds) == 4


def test_a_held_out_part_too_small_for_tasks_falls_back_to_all_images(monkeypatch):
    run = BaseTraining.start(settings(training="episodic"))
    run.data = BaseScenes(
        run.data.scenes, run.data.classes, run.data.train, run.data.validation[:1]
    )
    assert 0 <= run.score() <= 100
