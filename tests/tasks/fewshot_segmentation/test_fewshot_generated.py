"""Generated scenes: fixed pools, seeds, sizes, the shifted domain."""

import numpy as np
import pytest

from tasks.fewshot_segmentation.generated import (
    BASE_CLASSES,
    TASK_SCENES,
    TEST_CLASSES,
    TexturedShapes,
    classes_of,
)
from tasks.fewshot_segmentation.seeds import generator
from tasks.fewshot_segmentation.shapes import SIZE, draw_textures, render


def test_pools_never_move():
    """Pinned: a changed pool is another test fold."""
    first = classes_of("test", np.array([0, 1, 2]))
    np.testing.assert_allclose(first.frequency, PINNED_FREQUENCIES, rtol=1e-6)
    assert first.pattern.tolist() == PINNED_PATTERNS


PINNED_FREQUENCIES = [0.852735071916948, 0.6462135783222108, 0.6511380449730987]
PINNED_PATTERNS = [2, 1, 2]


def test_the_two_pools_share_no_class():
    every = np.arange(60)
    test, development = (classes_of(pool, every).frequency for pool in ("test", "development"))
    assert not set(test) & set(development)


def test_targets_are_whole_and_between_3_and_40_per_cent():
    scenes = render(draw_textures(4, generator(1)), 40, generator(2))
    share = np.array([scenes.areas[k, k // 40 + 1] for k in range(160)]) / SIZE**2
    assert 0.01 < share.min() < 0.05
    assert 0.25 < share.max() < 0.55
    assert (share >= 0.01).all()


def test_scenes_have_other_objects_too():
    scenes = render(draw_textures(4, generator(1)), 40, generator(2))
    several = ((scenes.areas[:, 1:] > 0).sum(1) > 1).mean()
    assert 0.4 < several < 0.9


def test_the_shift_leaves_masks_alone():
    textures = draw_textures(3, generator(1))
    plain, shifted = (render(textures, 5, generator(2), shifted=s) for s in (False, True))
    np.testing.assert_array_equal(plain.labels, shifted.labels)
    assert shifted.images.std() < 0.8 * plain.images.std()


def test_a_seed_has_scenes_of_its_own_and_the_same_again():
    source = TexturedShapes()
    first, again, other = (source.tasks_from("test", seed, 64) for seed in (1000, 1000, 1001))
    np.testing.assert_array_equal(first.scenes.images, again.scenes.images)
    assert not np.array_equal(first.scenes.images, other.scenes.images)
    assert len(first.classes) == TEST_CLASSES
    assert len(first.scenes.images) == TEST_CLASSES * TASK_SCENES


def test_base_scenes_are_the_same_with_and_without_a_shift_and_parts_are_apart():
    base, other = (TexturedShapes(shifted=s).base(1000, 64) for s in (False, True))
    np.testing.assert_array_equal(base.scenes.images, other.scenes.images)
    assert not set(base.train) & set(base.validation)
    assert len(base.classes) == BASE_CLASSES
    assert TexturedShapes().base_name == TexturedShapes(shifted=True).base_name


def test_validation_is_never_shifted_and_never_of_the_test_pool():
    plain, shifted = (
        TexturedShapes(shifted=s).tasks_from("validation", 1000, 64) for s in (False, True)
    )
    assert plain.scenes.images.std() == pytest.approx(shifted.scenes.images.std(), rel=0.05)
