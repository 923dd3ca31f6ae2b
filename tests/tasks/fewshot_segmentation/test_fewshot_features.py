"""From scenes to tasks' features and labels: against a loop over images."""

import numpy as np
import pytest
import torch

from models.segmentation import DilatedNetwork
from tasks.fewshot_segmentation import evaluation
from tasks.fewshot_segmentation.evaluation import masks_of, measure, nothing_measured, portions
from tasks.fewshot_segmentation.features import encode, episodes_of, nearest
from tasks.fewshot_segmentation.sampling import Tasks, draw_tasks
from tasks.fewshot_segmentation.scenes import ScenesInMemory
from tasks.fewshot_segmentation.seeds import generator
from tasks.fewshot_segmentation.shapes import draw_textures, render


@pytest.fixture
def scenes():
    found = render(draw_textures(3, generator(1)), 8, generator(2))
    labels = found.labels.copy()
    labels[:, 60:] = 255
    return ScenesInMemory(found.images, labels, 3)


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return DilatedNetwork(classes=4).eval()


def test_episodes_equal_a_loop_over_images(scenes, network):
    tasks = draw_tasks(scenes, (1, 2, 3), 5, 3, generator(3))
    encoded = encode(network, scenes, tasks, "cpu")
    for shots in (1, 3):
        found = episodes_of(encoded, tasks, shots)
        assert (len(found), found.shots) == (5, shots)
        for place, (kind, query, supports) in enumerate(zip(*tasks, strict=True)):
            for shot, image in enumerate([query, *supports[:shots]]):
                read = scenes.read([image])
                with torch.no_grad():
                    cells = network.features(read.images)[0].flatten(1).T
                coarse = read.labels[0, ::4, ::4].flatten()  # the nearest of 4 × 4 pixels
                if shot == 0:
                    torch.testing.assert_close(found.query[place], cells)
                    counted = coarse != 255
                    assert torch.equal(found.counted[place].bool(), counted)
                    truth = (coarse == kind).sum() / counted.sum()
                    torch.testing.assert_close(found.proportion[place], truth)
                else:
                    torch.testing.assert_close(found.support[place, shot - 1], cells)
                    ours = found.foreground[place, shot - 1].bool()
                    assert torch.equal(ours, coarse == kind)
                    assert torch.equal(found.annotated[place, shot - 1].bool(), coarse != 255)


def test_an_image_of_several_tasks_is_encoded_once(scenes, network):
    tasks = Tasks(np.array([1, 1]), np.array([0, 1]), np.array([[1, 2], [0, 2]]))
    assert encode(network, scenes, tasks, "cpu").features.shape == (3, 256, 32)


def test_labels_come_from_the_nearest_pixel():
    labels = torch.arange(16).view(1, 4, 4)
    assert nearest(labels, 2).tolist() == [[[0, 2], [8, 10]]]


def test_masks_are_interpolated_scores_above_zero(scenes, network):
    tasks = draw_tasks(scenes, (1,), 2, 1, generator(3))
    encoded = encode(network, scenes, tasks, "cpu")
    ramp = torch.linspace(-1, 1, 16)[None, None, :].expand(2, 16, 16).flatten(1)
    masks = masks_of(ramp, encoded)
    assert masks.shape == (2, 64, 64)
    assert not masks[:, :, :32].any()
    assert masks[:, :, 32:].all()


def measured(network, scenes, runs, shots, method):
    found = nothing_measured(shots, len(runs))
    for portion in portions(scenes, runs):
        measure(network, scenes, portion, method, "cpu", found)
    return found


def test_measured_numbers_are_those_of_the_masks(scenes, network):
    runs = [draw_tasks(scenes, (1, 2), count, 2, generator(count)) for count in (6, 4)]
    everything = lambda episodes: torch.ones_like(episodes.counted)  # noqa: E731
    found = measured(network, scenes, runs, (1, 2), everything)
    for shots in (1, 2):
        errors, of_runs = [], []
        for tasks in runs:
            ratios = {}
            for kind, query in zip(tasks.classes, tasks.query, strict=True):
                label = scenes.labels[query]
                own, counted = (label == kind).sum(), (label != 255).sum()
                a, b = ratios.get(kind, (0, 0))
                ratios[kind] = (a + own, b + counted)
                errors.append(100 * (1 - own / counted))
            of_runs.append(100 * np.mean([a / b for a, b in ratios.values()]))
        assert [o.mean for o in found[shots].overlaps] == pytest.approx(of_runs)
        assert found[shots].miou == pytest.approx(np.mean(of_runs))
        assert found[shots].share_errors == pytest.approx(errors, rel=1e-5)
        assert found[shots].tasks == 10
        assert found[shots].tasks_per_second > 0


@pytest.mark.parametrize(
    ("name", "value"), [("_TASKS_AT_ONCE", ((100, 3),)), ("IMAGES_AT_ONCE", 7)]
)
def test_many_tasks_are_measured_in_parts(name, value, scenes, network, monkeypatch):
    runs = [draw_tasks(scenes, (1, 2, 3), 11, 2, generator(seed)) for seed in (4, 5)]
    method = lambda episodes: episodes.query.mean(2) - episodes.query.mean((1, 2))[:, None]  # noqa: E731
    whole = measured(network, scenes, runs, (1,), method)[1]
    assert len(portions(scenes, runs)) == 1
    monkeypatch.setattr(evaluation, name, value)
    assert len(portions(scenes, runs)) == (1 if name == "_TASKS_AT_ONCE" else 11)
    parts = measured(network, scenes, runs, (1,), method)[1]
    assert [o.mean for o in parts.overlaps] == pytest.approx([o.mean for o in whole.overlaps])
    assert parts.tasks == 22
