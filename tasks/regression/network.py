"""The one network of the regression task: encoder, bottleneck with or without noise, decoder."""

from __future__ import annotations

from typing import assert_never

import torch
from torch import Generator, Tensor, nn

from tasks.regression.protocol import BottleneckNoise, TrainingBatch


class BottleneckNetwork(nn.Module):
    """Encoder d-h-h-k, linear head k-k, decoder k-h-1, with ReLU: the released script's layers.

    Images, (n, c, height, width), pass two strided convolutions in place of the first layer. The
    head for the log variance exists only where a method asks for it, and is drawn last, so that
    all other weights are the same for every method.
    """

    def __init__(
        self, input_shape: tuple[int, ...], hidden: int, bottleneck: int, noise: BottleneckNoise
    ) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            *_first_layers(input_shape, hidden),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, bottleneck),
        )
        self.mean_head = nn.Linear(bottleneck, bottleneck)
        self.decoder = nn.Sequential(nn.Linear(bottleneck, hidden), nn.ReLU(), nn.Linear(hidden, 1))
        match noise.kind:
            case "none":
                pass
            case "per_input":
                self.log_variance_head = nn.Linear(bottleneck, bottleneck)
                with torch.no_grad():
                    self.log_variance_head.bias.add_(noise.initial_log_variance)
            case "shared":
                self.log_variance = nn.Parameter(torch.tensor(float(noise.initial_log_variance)))
            case _:
                assert_never(noise.kind)
        self.noise = noise

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the mean, (n, k), and the log variance of the representation."""
        features = self.encoder(x)
        return self.mean_head(features), self._log_variance_of(features)

    def represent(self, x: Tensor, generator: Generator) -> Tensor:
        """Return what the decoder receives in training, (n, k): a sample where there is noise."""
        mean, log_variance = self.encode(x)
        return _add_noise(mean, log_variance, generator)

    def predict(self, x: Tensor) -> Tensor:
        """Return predictions, (n, 1), from the representation's mean: the rule at test time."""
        prediction: Tensor = self.decoder(self.mean_head(self.encoder(x)))
        return prediction

    def forward(self, x: Tensor, y: Tensor, generator: Generator) -> TrainingBatch:
        """Return everything that a loss may need of one training batch."""
        mean, log_variance = self.encode(x)
        representation = _add_noise(mean, log_variance, generator)
        prediction = self.decoder(representation)
        return TrainingBatch(x.flatten(1), y, mean, log_variance, representation, prediction)

    def _log_variance_of(self, features: Tensor) -> Tensor | None:
        if self.noise.kind == "per_input":
            log_variance: Tensor = self.log_variance_head(features)
            return log_variance
        return self.log_variance if self.noise.kind == "shared" else None


def build_network(
    input_shape: tuple[int, ...], hidden: int, bottleneck: int, noise: BottleneckNoise, seed: int
) -> BottleneckNetwork:
    """Return a network whose weights ``seed`` alone decides; global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BottleneckNetwork(input_shape, hidden, bottleneck, noise)


def _add_noise(mean: Tensor, log_variance: Tensor | None, generator: Generator) -> Tensor:
    if log_variance is None:
        return mean
    sample = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
    return mean + torch.exp(0.5 * log_variance) * sample


def _first_layers(input_shape: tuple[int, ...], hidden: int) -> list[nn.Module]:
    if len(input_shape) == 1:
        return [nn.Linear(input_shape[0], hidden), nn.ReLU()]
    channels, height, width = input_shape
    flat = 32 * _halved_twice(height) * _halved_twice(width)
    return [
        nn.Conv2d(channels, 16, kernel_size=3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, kernel_size=3, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(flat, hidden),
        nn.ReLU(),
    ]


def _halved_twice(size: int) -> int:
    return (size + 3) // 4
