"""Time and peak memory of losses of a vocabulary, and of pixels, on a CPU, against plain PyTorch.

Each figure is a ratio to the eager code of the same run. Times are processor seconds of one thread,
medians of runs that alternate between the variants, so that a busy machine hits all of them alike.
Memory is how far one step raises the peak resident set (VmHWM) of a fresh process in which the C
library gives freed blocks back at once; inputs are not in it, the gradient is.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from losses import cross_entropy, entropy_proportion, kl_divergence, linear_kl_divergence

ROOT = Path(__file__).parents[2]
Loss = Callable[..., Tensor]

#: Level → most time and most memory as a part of the eager code's: the package's goals.
GOALS = {
    "logits": (0.7, 0.35),
    "hidden states": (1.1, 0.20),
    "cross-entropy": (1.0, 0.6),
    "pixels": (1.5, 0.9),
}


def eager_logits(student: Tensor, teacher: Tensor) -> Tensor:
    return functional.kl_div(
        student.log_softmax(-1), teacher.log_softmax(-1), reduction="batchmean", log_target=True
    )


def eager_hidden(student: Tensor, head: Tensor, teacher: Tensor, teacher_head: Tensor) -> Tensor:
    return eager_logits(student @ head.T, teacher @ teacher_head.T)


def eager_pixels(scores: Tensor, prior: Tensor) -> Tensor:
    log_q = scores.log_softmax(1)
    q = log_q.exp()
    proportion = q.mean((2, 3))
    divergence = (proportion * (proportion.log() - prior.log())).sum(1)
    return (divergence - (q * log_q).sum(1).mean((1, 2))).mean()


def logits_inputs(tokens: int = 256, vocabulary: int = 32_000) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    teacher = 3 * torch.randn(tokens, vocabulary, generator=generator)
    student = teacher + torch.randn(tokens, vocabulary, generator=generator)
    return [student.requires_grad_(), teacher]


def hidden_inputs(tokens: int = 2048, width: int = 256, vocabulary: int = 32_000) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    shapes = ((tokens, width), (vocabulary, width)) * 2
    inputs = [torch.randn(*shape, generator=generator) / width**0.25 for shape in shapes]
    return [tensor.requires_grad_(index < 2) for index, tensor in enumerate(inputs)]


def target_inputs(tokens: int = 256) -> list[Tensor]:
    student, teacher = logits_inputs(tokens)
    return [student, teacher.argmax(-1)]


def pixel_inputs(images: int = 8, classes: int = 2, side: int = 417) -> list[Tensor]:
    """Return the scores of few-shot segmentation: foreground and background."""
    scores = torch.randn(images, classes, side, side, generator=torch.Generator().manual_seed(0))
    return [scores.requires_grad_(), torch.tensor([0.9, 0.1])]


LEVELS: dict[str, tuple[dict[str, Loss], Callable[..., list[Tensor]]]] = {
    "logits": ({"eager": eager_logits, "chunked": kl_divergence}, logits_inputs),
    "hidden states": ({"eager": eager_hidden, "chunked": linear_kl_divergence}, hidden_inputs),
    "cross-entropy": (
        {"eager": functional.cross_entropy, "chunked": cross_entropy},
        target_inputs,
    ),
    "pixels": ({"eager": eager_pixels, "chunked": entropy_proportion}, pixel_inputs),
}


def variants(level: str) -> dict[str, Loss]:
    eager = LEVELS[level][0]["eager"]
    return LEVELS[level][0] | {"torch.compile": torch.compile(eager)}


def step(loss: Loss, inputs: list[Tensor]) -> Tensor:
    """Run forward and backward once; return the first gradient."""
    for tensor in inputs:
        tensor.grad = None
    loss(*inputs).backward()
    assert inputs[0].grad is not None
    return inputs[0].grad


def thread_seconds(run: Callable[[], object]) -> float:
    start = time.thread_time()
    run()
    return time.thread_time() - start


@pytest.fixture
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.benchmark
@pytest.mark.parametrize("level", LEVELS)
def test_time_of_forward_and_backward(benchmark: Any, one_thread: None, level: str) -> None:
    losses, inputs = variants(level), LEVELS[level][1]()
    gradients = {name: step(loss, inputs).clone() for name, loss in losses.items()}
    torch.testing.assert_close(gradients["chunked"], gradients["eager"], rtol=1e-3, atol=1e-6)
    rounds = 3 if level == "hidden states" else 15
    seconds: dict[str, list[float]] = {name: [] for name in losses}
    for _ in range(rounds):
        for name, loss in losses.items():
            seconds[name].append(thread_seconds(lambda loss=loss: step(loss, inputs)))
    medians = {name: statistics.median(own) for name, own in seconds.items()}
    ratios = {name: own / medians["eager"] for name, own in medians.items()}
    benchmark.extra_info.update(ratios)
    benchmark.pedantic(step, args=(losses["chunked"], inputs), rounds=1)
    shown = ", ".join(
        f"{name} {medians[name] * 1e3:.0f} ms ({ratios[name]:.2f}×)" for name in losses
    )
    print(f"\ntime, {level}: {shown}; goal: at most {GOALS[level][0]}×")
    assert ratios["chunked"] <= GOALS[level][0]


PROGRAM = """
import sys
sys.path.insert(0, "tests/benchmarks")
import torch
torch.set_num_threads(1)
import test_vocabulary_losses_benchmark as benchmark

level, name = sys.argv[1:]
loss, make = benchmark.variants(level)[name], benchmark.LEVELS[level][1]

def read(key):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key)) / 1024

# A compiled function is compiled for its shape: its step is run once before, the others' in small.
inputs = make()
benchmark.step(loss, inputs if name == "torch.compile" else make(4))
for tensor in inputs:
    tensor.grad = None
open("/proc/self/clear_refs", "w").write("5")
before = read("VmRSS")
benchmark.step(loss, inputs)
print(read("VmHWM") - before)
"""


def grown_mebibytes(level: str, name: str) -> float:
    """Return by how much one step raises the peak memory of a fresh process."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, level, name],
        cwd=ROOT,
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": str(2**18), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout.splitlines()[-1])


@pytest.mark.benchmark
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("level", LEVELS)
def test_peak_memory_of_forward_and_backward(level: str) -> None:
    names = ("eager", "chunked", "torch.compile")
    grown = {name: grown_mebibytes(level, name) for name in names}
    ratios = {name: own / grown["eager"] for name, own in grown.items()}
    shown = ", ".join(f"{name} {grown[name]:.0f} MiB ({ratios[name]:.2f}×)" for name in names)
    print(f"\nextra memory, {level}: {shown}; goal: at most {GOALS[level][1]}×")
    assert ratios["chunked"] <= GOALS[level][1]
