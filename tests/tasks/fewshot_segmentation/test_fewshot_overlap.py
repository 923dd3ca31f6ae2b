"""Intersection over union: by hand, and against pixel by pixel counting."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.fewshot_segmentation.overlap import Overlap


def test_a_mean_worked_out_by_hand():
    """Class 3: (1 + 1)/(3 + 2) over two tasks; class 7: 0/2; the ignored pixel is nobody's."""
    overlap = Overlap.of(256)
    masks = torch.tensor([[[1, 1], [0, 1]], [[0, 1], [0, 0]], [[1, 0], [0, 0]]]).bool()
    labels = torch.tensor([[[3, 0], [3, 255]], [[3, 3], [0, 7]], [[0, 7], [0, 3]]])
    overlap.add_tasks(masks, labels, torch.tensor([3, 3, 7]))
    assert overlap.mean == pytest.approx(100 * (2 / 5 + 0) / 2)


def test_accumulating_is_not_averaging_over_tasks():
    overlap = Overlap.of(256)
    masks = torch.tensor([[[1, 1, 1, 1]], [[1, 0, 0, 0]]]).bool()
    labels = torch.tensor([[[5, 5, 5, 5]], [[0, 5, 0, 0]]])
    overlap.add_tasks(masks, labels, torch.tensor([5, 5]))
    assert overlap.mean == pytest.approx(100 * 4 / 6)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), classes=st.integers(2, 6), side=st.integers(1, 5))
def test_maps_equal_counting_pixel_by_pixel(seed, classes, side):
    generator = torch.Generator().manual_seed(seed)
    predicted = torch.randint(0, classes, (3, side, side), generator=generator)
    labels = torch.randint(0, classes, (3, side, side), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
    overlap = Overlap.of(classes)
    overlap.add_maps(predicted, labels)
    ratios = []
    for k in range(classes):
        both = either = 0
        for p, t in zip(predicted.flatten().tolist(), labels.flatten().tolist(), strict=True):
            both += t != 255 and p == k == t
            either += t != 255 and k in (p, t)
        if either:
            ratios.append(both / either)
    if ratios:
        assert overlap.mean == pytest.approx(100 * np.mean(ratios))
    else:
        assert math.isnan(overlap.mean)
