"""Raw examples, and the three parts of a data set in standardised units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
FloatArray = npt.NDArray[np.floating[Any]]


class Examples(NamedTuple):
    """Inputs and targets in the data set's own units.

    ``x``  (n, d), or (n, channels, height, width) for images
    ``y``  (n,)
    """

    x: Array
    y: FloatArray

    def rows(self, index: npt.NDArray[np.intp]) -> Examples:
        """Return the examples at ``index``, in its order."""
        return Examples(self.x[index], self.y[index])


@dataclass(frozen=True)
class RegressionSplit:
    """One trial's data in standardised units, float32.

    Inputs are (n, d) or (n, channels, height, width), targets (n, 1). Both are shifted and scaled
    by the mean and the standard deviation (ddof = 0) of the training part alone: per column for
    tables, per channel for images; what is constant there keeps its scale. Hence
    ``y_raw = y * target_scale + target_mean``.

    ``noise_free_test``  (n_test, 1): the true function at the test inputs, standardised like the
                         targets; ``None`` where nobody knows it
    """

    x_train: FloatArray
    y_train: FloatArray
    x_validation: FloatArray
    y_validation: FloatArray
    x_test: FloatArray
    y_test: FloatArray
    noise_free_test: FloatArray | None
    target_mean: float
    target_scale: float

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input: (d,) or (channels, height, width)."""
        return tuple(self.x_train.shape[1:])

    @property
    def n_train(self) -> int:
        """Number of training examples."""
        return len(self.y_train)


@dataclass(frozen=True)
class Standardiser:
    """A shift and a scale; ``apply`` gives float32."""

    mean: FloatArray
    scale: FloatArray

    @classmethod
    def fit(cls, values: Array) -> Standardiser:
        """Take the statistics of ``values``: per column, or per channel for four axes."""
        axes = (0, 2, 3) if values.ndim == 4 else (0,)
        mean = values.mean(axis=axes, keepdims=True, dtype=np.float64)
        scale = values.std(axis=axes, keepdims=True, dtype=np.float64)
        # Rounding gives a constant column a tiny deviation: ask for constancy itself.
        constant = values.max(axis=axes, keepdims=True) == values.min(axis=axes, keepdims=True)
        return cls(mean, np.where(constant, 1.0, scale))

    def apply(self, values: Array) -> FloatArray:
        """Return ``(values - mean) / scale``."""
        # Images stay in float32 throughout: in float64 one fold alone would take gigabytes.
        working = np.float32 if values.ndim == 4 else np.float64
        shifted = np.subtract(values, self.mean, dtype=working, casting="unsafe")
        np.divide(shifted, self.scale, out=shifted, casting="unsafe")
        return shifted.astype(np.float32, copy=False)


def standardise(
    train: Examples,
    validation: Examples,
    test: Examples,
    noise_free_test: FloatArray | None = None,
) -> RegressionSplit:
    """Return the three parts in units of the training part. ``noise_free_test`` is (n_test,)."""
    inputs = Standardiser.fit(train.x)
    targets = Standardiser.fit(_column(train.y))
    return RegressionSplit(
        x_train=inputs.apply(train.x),
        y_train=targets.apply(_column(train.y)),
        x_validation=inputs.apply(validation.x),
        y_validation=targets.apply(_column(validation.y)),
        x_test=inputs.apply(test.x),
        y_test=targets.apply(_column(test.y)),
        noise_free_test=(
            None if noise_free_test is None else targets.apply(_column(noise_free_test))
        ),
        target_mean=float(targets.mean[0, 0]),
        target_scale=float(targets.scale[0, 0]),
    )


def _column(values: FloatArray) -> FloatArray:
    return values.reshape(-1, 1)
