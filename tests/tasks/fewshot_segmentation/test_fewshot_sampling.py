"""Tasks: what is drawn, from which images, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.errors import UserError
from tasks.fewshot_segmentation.sampling import draw_tasks, with_enough
from tasks.fewshot_segmentation.scenes import ScenesInMemory, SomeScenes
from tasks.fewshot_segmentation.seeds import generator


def scenes(n=30, classes=3, seed=0):
    random = np.random.RandomState(seed)
    labels = np.zeros((n, 10, 10), dtype=np.uint8)
    for number in range(n):
        labels[number, :3] = number % classes + 1
        if random.rand() < 0.5:
            labels[number, 5:] = random.randint(1, classes + 1)
    return ScenesInMemory(np.zeros((n, 10, 10, 3), dtype=np.uint8), labels, classes)


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 80), shots=st.integers(1, 8), seed=st.integers(0, 1000))
def test_a_task_is_of_one_class_and_its_query_is_no_support(count, shots, seed):
    these = scenes()
    tasks = draw_tasks(these, (1, 3), count, shots, generator(seed))
    assert tasks.support.shape == (count, shots)
    for kind, query, support in zip(*tasks, strict=True):
        assert kind in (1, 3)
        assert query not in support
        assert len(set(support)) == shots
        for image in (query, *support):
            assert (these.labels[image] == kind).any()


def test_every_image_is_a_query_before_one_is_again():
    these = scenes()
    there = {k for k in range(30) if (these.labels[k] == 2).any()}
    tasks = draw_tasks(these, (2,), len(there), 1, generator(0))
    assert set(tasks.query) == there


def test_the_same_seed_draws_the_same_tasks_and_another_others():
    draws = [draw_tasks(scenes(), (1, 2, 3), 20, 5, generator(seed)) for seed in (0, 0, 1)]
    for first, second in zip(draws[0], draws[1], strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(draws[0].query, draws[2].query)


def test_too_small_an_object_does_not_count():
    labels = np.zeros((4, 20, 20), dtype=np.uint8)
    labels[:, 0, :4] = 1  # 4 pixels are a hundredth of 400
    labels[0, 0, 3] = 0
    these = ScenesInMemory(np.zeros((4, 20, 20, 3), dtype=np.uint8), labels, 1)
    tasks = draw_tasks(these, (1,), 30, 2, generator(0))
    assert set(tasks.query) | set(tasks.support.ravel()) == {1, 2, 3}


def test_too_few_images_are_an_error_that_counts_them():
    with pytest.raises(UserError, match=r"class 1 is large enough to count in 2 images, .* need 6"):
        draw_tasks(SomeScenes(scenes(), np.array([0, 1, 2, 3, 4, 5])), (1, 2), 5, 5, generator(0))


def test_classes_with_enough_images():
    part = SomeScenes(scenes(n=9, classes=3, seed=3), np.array([0, 3, 6, 1]))
    assert 1 in with_enough(part, (1, 2), 2)
    assert with_enough(part, (1, 2), 9) == ()


def test_a_part_of_the_scenes_is_numbered_from_zero():
    whole = scenes()
    part = SomeScenes(whole, np.array([7, 3]))
    np.testing.assert_array_equal(part.areas, whole.areas[[7, 3]])
    assert part.read([1]).labels.equal(whole.read([3]).labels)
