"""Time of one training step of the regression task, against the straightforward form of each part.

Both sides take turns within one test, so that another program slows both alike.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from baselines.regression.nonlinear import pairwise_information_bound
from losses import squared_distances
from tasks.regression import BottleneckNoise
from tasks.regression.network import build_network
from tasks.regression.weights import WeightVector

ROWS = 128
TURNS = 60
CALLS_PER_TURN = 10

#: Least times faster than the straightforward form.
UPDATE_FASTER = 1.5
BOUND_FASTER = 1.15


@pytest.fixture(autouse=True)
def _on_one_thread(one_thread: None) -> None:
    pass


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def times_faster(own: Callable[[], object], straightforward: Callable[[], object]) -> float:
    """Return the ratio of the least processor seconds of this thread."""
    least = [math.inf, math.inf]
    for _ in range(TURNS):
        for which, run in enumerate((own, straightforward)):
            start = time.thread_time()
            for _ in range(CALLS_PER_TURN):
                run()
            least[which] = min(least[which], time.thread_time() - start)
    own_seconds, others = (seconds / CALLS_PER_TURN for seconds in least)
    print(f"\n{own_seconds * 1e6:.0f} µs, {others / own_seconds:.2f} times faster")
    return others / own_seconds


@pytest.mark.benchmark
def test_update_of_the_weights() -> None:
    """One step of Adam for a vector of all weights, against one for a list of tensors."""
    networks = [build_network((8,), 64, 32, BottleneckNoise(), seed=3) for _ in range(2)]
    vector = WeightVector(networks[0])
    vector.values.grad = 1e-3 * torch.ones_like(vector.values)
    for weight in networks[1].parameters():
        weight.grad = 1e-3 * torch.ones_like(weight)
    adams = [
        torch.optim.Adam(weights, lr=1e-3, fused=True)
        for weights in ([vector.values], networks[1].parameters())
    ]
    assert times_faster(adams[0].step, adams[1].step) > UPDATE_FASTER
    for ours, theirs in zip(*(network.parameters() for network in networks), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.benchmark
def test_pairwise_information_bound() -> None:
    """The bound with its gradient written out, against automatic differentiation."""
    mean, log_variance = 0.3 * normal(ROWS, 32), torch.tensor(-1.0)

    def straightforward(mean: Tensor, log_variance: Tensor) -> Tensor:
        divergence = 0.5 * squared_distances(mean, mean) * torch.exp(-log_variance)
        return math.log(ROWS) - torch.logsumexp(-divergence, dim=1).mean()

    leaves = (mean.requires_grad_(), log_variance.requires_grad_())
    own, theirs = (
        lambda form=form: torch.autograd.grad(form(*leaves), leaves)
        for form in (pairwise_information_bound, straightforward)
    )
    torch.testing.assert_close(own(), theirs(), rtol=1e-3, atol=1e-6)
    assert times_faster(own, theirs) > BOUND_FASTER
