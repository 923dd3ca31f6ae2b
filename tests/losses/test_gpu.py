"""The same losses on a GPU, compiled: bounds of error, determinism, no write out of place."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from logit_cases import CASES, in_each_case, logits, masked, value_and_gradients

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")

ROOT = Path(__file__).parents[2]
BOUNDS = {torch.float32: 2e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}


@in_each_case
@pytest.mark.parametrize("dtype", BOUNDS)
@pytest.mark.parametrize("columns", [1000, 32_000, 50_257])
def test_error_against_float64(name, dtype, columns):
    student, teacher = (logits(6, columns, seed=i, scale=3).to(dtype).cuda() for i in (0, 1))
    exact = value_and_gradients(
        CASES[name], student.double(), teacher.double(), backend="reference"
    )
    found = value_and_gradients(CASES[name], student, teacher, backend="triton")
    torch.testing.assert_close(found[0].double(), exact[0], rtol=2e-5, atol=2e-5)
    for gradient, expected in zip(found[1:], exact[1:], strict=True):
        error = (gradient.double() - expected).norm() / expected.norm().clamp_min(1e-30)
        assert error < BOUNDS[dtype]


@in_each_case
def test_infinities(name):
    student, teacher = (
        side.float().cuda() for side in masked(logits(6, 4100), logits(6, 4100, seed=1))
    )
    expected = value_and_gradients(
        CASES[name], student, teacher, backend="reference", reduction="none"
    )
    found = value_and_gradients(CASES[name], student, teacher, backend="triton", reduction="none")
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@in_each_case
def test_two_runs_give_the_same_bits(name):
    student, teacher = (logits(64, 32_000, seed=i).bfloat16().cuda() for i in (0, 1))
    one, two = (value_and_gradients(CASES[name], student, teacher) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_the_sanitizer_finds_nothing():
    sanitizer = shutil.which("compute-sanitizer")
    if sanitizer is None:
        pytest.skip("compute-sanitizer is not installed")
    program = (
        "import sys; sys.path.insert(0, 'tests/losses')\n"
        "from logit_cases import CASES, logits, value_and_gradients\n"
        "for loss in CASES.values():\n"
        "    sides = (logits(5, 5003, seed=seed).half().cuda() for seed in (0, 1))\n"
        "    value_and_gradients(loss, *sides)\n"
    )
    done = subprocess.run(
        [sanitizer, "--error-exitcode", "9", sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
