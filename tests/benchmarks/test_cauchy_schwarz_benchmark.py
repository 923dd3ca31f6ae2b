"""Time and memory of one training step's losses, against code that writes the equations down.

Memory is the growth of the process's peak resident set (VmHWM of /proc/self/status) over what it
holds after a first small call, each figure from a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from losses import cauchy_schwarz_mutual_information, conditional_cauchy_schwarz_divergence

ROOT = Path(__file__).parents[2]

#: Samples → least times faster than the naive code (conditional divergence, mutual information).
FASTER = {128: (1.0, 1.3), 1024: (1.5, 8.0), 4096: (2.0, None)}

#: Samples → greatest peak memory as a part of the naive code's. Below, both are too small to see.
#: The tiles need 6 MiB; freed ones that the C library does not hand out again can add 60 MiB.
SMALLER = {1024: 0.35, 4096: 0.15}


def naive_gram(a: torch.Tensor, b: torch.Tensor, bandwidth: float) -> torch.Tensor:
    return torch.exp(-(a[:, None] - b[None]).square().sum(-1) / (2 * bandwidth**2))


def naive_conditional(x: torch.Tensor, y: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    kernel = naive_gram(x, x, 1.0)
    degrees = kernel.sum(1) ** 2

    def log_sum(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return ((kernel * naive_gram(a, b, 1.0)).sum(1) / degrees).sum().log()

    return log_sum(y, y) + log_sum(prediction, prediction) - 2 * log_sum(prediction, y)


def naive_information(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    of_x, of_t, count = naive_gram(x, x, 1.0), naive_gram(t, t, 5.0), len(x)
    product = of_x @ of_t
    joint = (product.trace() / count**2).log()
    return joint + (of_x.sum() * of_t.sum() / count**4).log() - 2 * (product.sum() / count**3).log()


def conditional(x: torch.Tensor, y: torch.Tensor, prediction: torch.Tensor) -> torch.Tensor:
    return conditional_cauchy_schwarz_divergence(x, y, prediction, x_bandwidth=1.0, y_bandwidth=1.0)


def information(x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    return cauchy_schwarz_mutual_information(x, t, x_bandwidth=1.0, t_bandwidth=5.0)


def conditional_inputs(count: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    x, y, prediction = (torch.randn(count, width, generator=generator) for width in (8, 1, 1))
    return x, y, prediction.requires_grad_()


def information_inputs(count: int) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    x, t = (torch.randn(count, width, generator=generator) for width in (8, 32))
    return x, t.requires_grad_()


LOSSES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = {
    "conditional": (conditional, naive_conditional, conditional_inputs),
    "information": (information, naive_information, information_inputs),
}


def step(loss: Callable[..., torch.Tensor], inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
    """Return the gradient of the last input."""
    (gradient,) = torch.autograd.grad(loss(*inputs), inputs[-1])
    return gradient


def fastest(run: Callable[[], object], repeats: int) -> float:
    """Return the least processor seconds of this thread: other programs hardly count."""
    seconds = []
    for _ in range(repeats):
        start = time.thread_time()
        run()
        seconds.append(time.thread_time() - start)
    return min(seconds)


@pytest.fixture
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.benchmark
@pytest.mark.parametrize("count", sorted(FASTER))
@pytest.mark.parametrize("name", sorted(LOSSES))
def test_time_of_forward_and_backward(
    benchmark: Any, one_thread: None, name: str, count: int
) -> None:
    ours, naive, make = LOSSES[name]
    inputs, bound = make(count), FASTER[count][sorted(LOSSES).index(name)]
    repeats = max(3, 200 * 128 // count)
    own_time = fastest(lambda: step(ours, inputs), repeats)
    benchmark.pedantic(step, args=(ours, inputs), rounds=3)
    if bound is None:
        print(f"\n{name}, {count} samples: {own_time * 1e3:.1f} ms; the naive code needs 10 GB")
        assert step(ours, inputs).isfinite().all()
        return
    torch.testing.assert_close(step(ours, inputs), step(naive, inputs), rtol=1e-2, atol=1e-6)
    ratio = fastest(lambda: step(naive, inputs), max(3, repeats // 10)) / own_time
    print(f"\n{name}, {count} samples: {own_time * 1e3:.2f} ms, {ratio:.1f} times faster")
    assert ratio > bound


def grown_mebibytes(name: str, which: int, count: int) -> float:
    """Return by how much one step raises the peak memory of a fresh process."""
    program = (
        "import sys; sys.path.insert(0, 'tests/benchmarks')\n"
        "import torch; torch.set_num_threads(1)\n"
        "import test_cauchy_schwarz_benchmark as benchmark\n"
        f"parts = benchmark.LOSSES[{name!r}]; run, make = parts[{which}], parts[2]\n"
        "def read(key):\n"
        "    lines = open('/proc/self/status').read().splitlines()\n"
        "    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024\n"
        "benchmark.step(run, make(16))\n"
        f"inputs = make({count})\n"
        "before = read('VmRSS')\n"
        "benchmark.step(run, inputs)\n"
        "print(read('VmHWM') - before)\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.benchmark
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("count", sorted(SMALLER))
def test_peak_memory_of_forward_and_backward(count: int) -> None:
    own, naive = (grown_mebibytes("conditional", which, count) for which in (0, 1))
    print(f"\n{count} samples: {own:.0f} MiB against {naive:.0f} MiB, {own / naive:.3f}")
    assert own < SMALLER[count] * naive
