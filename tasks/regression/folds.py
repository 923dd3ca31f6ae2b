"""Who is in which part: a test fold fixed per data set, the rest split anew by each trial."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tasks.randomness import fixed_seed, generator

__all__ = ["Folds", "Index", "dataset_seed", "draw_folds", "generator", "split_rest"]

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.2  # of what the test fold leaves

Index = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Folds:
    """Row numbers of the three parts; disjoint, together every row."""

    train: Index
    validation: Index
    test: Index


def dataset_seed(dataset: str, purpose: str) -> int:
    """Return a seed that depends on the data set alone: the same for every trial.

    The first 8 bytes of SHA-256 of ``tasks.regression/dataset/purpose``.
    """
    return fixed_seed(f"tasks.regression/{dataset}/{purpose}")


def draw_folds(n: int, dataset: str, split_seed: int) -> Folds:
    """Return the parts of ``n`` rows.

    A fifth is the test fold; its rows depend on ``dataset`` and ``n`` alone, so that tuning and
    pilots with other seeds never see them. ``split_seed`` draws a fifth of the rest for validation.
    """
    permutation = generator(dataset_seed(dataset, "test fold")).permutation(n)
    test, rest = np.split(permutation, [round(TEST_SHARE * n)])
    validation, train = split_rest(len(rest), split_seed)
    return Folds(train=rest[train], validation=rest[validation], test=test)


def split_rest(n: int, split_seed: int) -> tuple[Index, Index]:
    """Return the positions, among ``n``, of the validation part and of the training part."""
    permutation = generator(split_seed).permutation(n)
    validation, train = np.split(permutation, [round(VALIDATION_SHARE * n)])
    return validation, train
