"""Small two-layer networks with biases, one per stream, the same for every arm."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from tasks.bandit.protocol import Floats, Problem


@dataclass
class Perceptrons:
    """x → relu(W x + b) → v·h + c, trained by gradient descent on the squared error.

    ``seed_axis``  names the source of the initial weights: uniform within ±1/√(inputs of the
                   layer), PyTorch's default start
    """

    problem: Problem
    seed_axis: str
    inputs: int
    hidden: int
    first: Floats = field(init=False)
    first_bias: Floats = field(init=False)
    second: Floats = field(init=False)
    second_bias: Floats = field(init=False)

    def __post_init__(self) -> None:
        sources = self.problem.generators(self.seed_axis)
        shapes = ((self.hidden, self.inputs), (self.hidden,), (self.hidden,), ())
        widths = (self.inputs, self.inputs, self.hidden, self.hidden)
        drawn = [
            np.stack([s.uniform(-1, 1, shape) * width**-0.5 for s in sources]).astype(np.float32)
            for shape, width in zip(shapes, widths, strict=True)
        ]
        self.first, self.first_bias, self.second, self.second_bias = drawn

    @property
    def count(self) -> int:
        """Number of weights of one network."""
        return self.hidden * (self.inputs + 2) + 1

    def outputs(self, x: Floats) -> Floats:
        """Return outputs (streams, n) for inputs (streams, n, inputs)."""
        return self._pass(x)[1]

    def descend(self, x: Floats, targets: Floats, rate: Floats) -> None:
        """Take one step on the mean of (output − target)² over n inputs (streams, n, inputs).

        ``targets``  (streams, n); NaN for an input that does not count
        ``rate``     (streams,): the step size of each stream
        """
        hidden, output = self._pass(x)
        counted = ~np.isnan(targets)
        error = np.where(counted, output - np.where(counted, targets, 0.0), 0.0)
        slope = 2.0 * error * (rate / np.maximum(counted.sum(axis=1), 1))[:, None]
        slope = slope.astype(np.float32)
        inner = slope[:, :, None] * self.second[:, None, :] * (hidden > 0)
        self.second -= (slope[:, None, :] @ hidden)[:, 0, :]
        self.second_bias -= slope.sum(axis=1)
        self.first -= inner.transpose(0, 2, 1) @ x
        self.first_bias -= inner.sum(axis=1)

    def diverged(self) -> np.ndarray:
        """Return which networks have weights that are not finite, (streams,)."""
        sums = self.first.sum(axis=(1, 2)) + self.second.sum(axis=1)
        return np.asarray(~np.isfinite(sums))

    def _pass(self, x: Floats) -> tuple[Floats, Floats]:
        hidden = np.maximum(x @ self.first.transpose(0, 2, 1) + self.first_bias[:, None, :], 0.0)
        output = (hidden @ self.second[:, :, None])[:, :, 0] + self.second_bias[:, None]
        return hidden, output
