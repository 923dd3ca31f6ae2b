"""Small two-layer networks with biases, one per stream, the same for every arm."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from baselines.bandit.adam import Adam
from tasks.bandit.protocol import Floats, Problem


class Layers(NamedTuple):
    """Views of weights (streams, count), or of their gradient.

    ``first`` (streams, hidden, inputs), ``first_bias`` and ``second`` (streams, hidden),
    ``second_bias`` (streams,)
    """

    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats


@dataclass
class Perceptrons:
    """x → relu(W x + b) → v·h + c, trained by Adam on the squared error.

    ``seed_axis``     names the source of the initial weights: uniform within ±1/√(inputs of the
                      layer), PyTorch's default start
    ``weight_decay``  of Adam
    """

    problem: Problem
    seed_axis: str
    inputs: int
    hidden: int
    weight_decay: float = 0.0
    adam: Adam = field(init=False)

    def __post_init__(self) -> None:
        sources = self.problem.generators(self.seed_axis)
        weights = np.empty((len(sources), self.count), np.float32)
        widths = (self.inputs, self.inputs, self.hidden, self.hidden)
        for layer, width in zip(self.layers(weights), widths, strict=True):
            layer[:] = [s.uniform(-1, 1, layer.shape[1:]) * width**-0.5 for s in sources]
        self.adam = Adam(weights, self.weight_decay)

    @property
    def count(self) -> int:
        """Number of weights of one network."""
        return self.hidden * (self.inputs + 2) + 1

    def layers(self, values: Floats | None = None) -> Layers:
        """Return the layers of ``values`` (streams, count), by default the weights."""
        values = self.adam.weights if values is None else values
        cut, hidden = self.hidden * self.inputs, self.hidden
        first = values[:, :cut].reshape(len(values), hidden, self.inputs)
        return Layers(
            first, values[:, cut : cut + hidden], values[:, cut + hidden : -1], values[:, -1]
        )

    def outputs(self, x: Floats) -> Floats:
        """Return outputs (streams, n) for inputs (streams, n, inputs)."""
        return _pass(self.layers(), x)[1]

    def descend(self, x: Floats, targets: Floats, rate: float) -> None:
        """Take one step on the mean of (output − target)² over n inputs (streams, n, inputs).

        ``targets``  (streams, n); NaN for an input that does not count
        """
        layers = self.layers()
        hidden, output = _pass(layers, x)
        counted = ~np.isnan(targets)
        error = np.where(counted, output - np.where(counted, targets, 0.0), 0.0)
        slope = 2.0 * error / np.maximum(counted.sum(axis=1), 1)[:, None]
        slope = slope.astype(np.float32)
        inner = slope[:, :, None] * layers.second[:, None, :] * (hidden > 0)
        gradient = np.empty_like(self.adam.weights)
        parts = self.layers(gradient)
        np.matmul(inner.transpose(0, 2, 1), x, out=parts.first)
        parts.first_bias[:] = inner.sum(axis=1)
        parts.second[:] = (slope[:, None, :] @ hidden)[:, 0, :]
        parts.second_bias[:] = slope.sum(axis=1)
        self.adam.step(gradient, rate)

    def diverged(self) -> np.ndarray:
        """Return which networks have weights that are not finite, (streams,)."""
        return np.asarray(~np.isfinite(self.adam.weights.sum(axis=1)))


def _pass(layers: Layers, x: Floats) -> tuple[Floats, Floats]:
    first = x @ layers.first.transpose(0, 2, 1) + layers.first_bias[:, None, :]
    hidden = np.maximum(first, 0.0)
    return hidden, (hidden @ layers.second[:, :, None])[:, :, 0] + layers.second_bias[:, None]
