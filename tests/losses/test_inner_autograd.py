"""Autograd within an operator: that it records, and what a PyTorch without it is answered."""

import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from losses import js_divergence
from losses.rows import inner_autograd
from losses.rows.inner_autograd import TRIED, recording

CONSTRAINTS = Path(__file__).parents[2] / "constraints.txt"


@torch.library.custom_op("klaim_test::derivative_of_square", mutates_args=())
def derivative_of_square(x: Tensor) -> Tensor:
    own = x.detach().requires_grad_()
    with recording():
        (gradient,) = torch.autograd.grad(own.square().sum(), own)
    return gradient


@derivative_of_square.register_fake
def _(x):
    return torch.empty_like(x)


def test_an_operator_records_with_and_without_gradients_around_it():
    x = torch.arange(3.0)
    for enabled in (True, False):
        with torch.set_grad_enabled(enabled):
            torch.testing.assert_close(derivative_of_square(x), 2 * x)
    compiled = torch.compile(derivative_of_square, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), 2 * x)


def test_the_pinned_pytorch_is_the_one_that_was_tried():
    """What is used is not public: with a new version, run this file, then move ``TRIED``."""
    (pinned,) = re.findall(r"^torch==(\d+\.\d+)", CONSTRAINTS.read_text(), re.M)
    assert pinned == TRIED


def test_a_pytorch_without_it_is_told_apart(monkeypatch):
    monkeypatch.setattr(inner_autograd, "_NEEDED", (*inner_autograd._NEEDED, "_no_such_guard"))
    student, teacher = torch.randn(2, 5, requires_grad=True), torch.randn(2, 5)
    with pytest.raises(RuntimeError, match=r"has no torch\._C\._no_such_guard, which the losses"):
        js_divergence(student, teacher, backend="chunked")
    js_divergence(student, teacher, backend="reference").backward()
    assert student.grad is not None
