"""Every loss of student and teacher logits under one signature, and logits to try them on."""

from __future__ import annotations

import math
from collections.abc import Callable
from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

import losses

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="Triton is not installed")

#: What runs here: Triton in its interpreter, or on a GPU.
BACKENDS = ["reference", "chunked", pytest.param("triton", marks=needs_triton)]
FAST_BACKENDS = BACKENDS[1:]

in_each_backend = pytest.mark.parametrize("backend", BACKENDS)
in_each_fast_backend = pytest.mark.parametrize("backend", FAST_BACKENDS)


def classes(student: Tensor) -> Tensor:
    """Return one target per token, spread over the vocabulary."""
    tokens = student[..., 0].numel()
    spread = torch.arange(tokens, device=student.device) * 5 + 1
    return (spread % student.shape[-1]).reshape(student.shape[:-1])


def keep_weights(student: Tensor) -> Tensor:
    """Return soft keep weights, one of them 0, that depend on nothing but the shape."""
    keep = torch.linspace(0, 1, student.numel(), dtype=torch.float64, device=student.device)
    return (keep.reshape(student.shape) * 7).sin().abs().to(student.dtype)


def _statistics(
    student: Tensor, teacher: Tensor, reduction: str = "sum", **options: object
) -> Tensor:
    found = losses.token_statistics(student, classes(student), teacher, **options)
    # A ratio of −∞ and a divergence of +∞ of one token must not make a sum that is NaN.
    bounded = found.kl.clamp_max(50) + found.log_ratio.clamp(-50, 50)
    value = found.entropy * 2 + found.log_normalizer.square() / 8 + bounded
    return value if reduction == "none" else value.sum()


#: Parameters are exact in float32, so that every backend has the same ones.
CASES: dict[str, Callable[..., Tensor]] = {
    "forward KL": losses.kl_divergence,
    "reverse KL": lambda s, t, **o: losses.kl_divergence(s, t, direction="reverse", **o),
    "symmetric KL": lambda s, t, **o: losses.kl_divergence(
        s, t, direction="symmetric", temperature=2.0, **o
    ),
    "JS": lambda s, t, **o: losses.js_divergence(s, t, beta=0.25, **o),
    "skew KL": lambda s, t, **o: losses.skew_kl(s, t, alpha=0.125, **o),
    "skew reverse KL": lambda s, t, **o: losses.skew_kl(
        s, t, alpha=0.125, direction="reverse", temperature=0.5, **o
    ),
    "total variation": losses.total_variation,
    "Rényi ½": lambda s, t, **o: losses.renyi_divergence(s, t, alpha=0.5, **o),
    "Rényi 2": lambda s, t, **o: losses.renyi_divergence(s, t, alpha=2.0, **o),
    "top-k KL": lambda s, t, **o: losses.top_k_kl(s, t, k=min(3, s.shape[-1]), **o),
    "renormalised top-k KL": lambda s, t, **o: losses.top_k_kl(
        s, t, k=min(3, s.shape[-1]), renormalize=True, **o
    ),
    "clipped KL": lambda s, t, **o: losses.clipped_kl(s, t, keep=keep_weights(s), **o),
    "renormalised clipped KL": lambda s, t, **o: losses.clipped_kl(
        s, t, keep=keep_weights(s), renormalize=True, **o
    ),
    "cross-entropy": lambda s, t, **o: losses.cross_entropy(s, classes(s), z_loss=0.125, **o),
    "smoothed cross-entropy": lambda s, t, **o: losses.cross_entropy(
        s, classes(s), label_smoothing=0.25, **o
    ),
    "token statistics": _statistics,
}

#: Those that compare two distributions, and are 0 where these are equal.
DIVERGENCES = [name for name in CASES if "entropy" not in name and "statistics" not in name]

#: … of which these can be negative, because they sum over a part of the classes.
PARTIAL = ("top-k KL", "clipped KL")

#: One for each pair of kernels: the others launch the same ones with other constants.
KERNELS = ("forward KL", "JS", "Rényi ½", "top-k KL", "clipped KL", "cross-entropy")


def in_each_case_and(*plain: str) -> pytest.MarkDecorator:
    """Parametrise by case and backend, Triton's too: all but one case of each kernel are slow."""
    marks = {name: [needs_triton] for name in KERNELS}
    return pytest.mark.parametrize(
        ("name", "backend"),
        [(name, backend) for backend in plain for name in CASES]
        + [
            pytest.param(name, "triton", marks=marks.get(name, [needs_triton, pytest.mark.slow]))
            for name in CASES
        ],
    )


in_each_case = pytest.mark.parametrize("name", CASES)
for_each_divergence = pytest.mark.parametrize("name", DIVERGENCES)


def logits(
    *shape: int, seed: int = 0, scale: float = 2.0, dtype: torch.dtype = torch.float64
) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return (scale * torch.randn(*shape, generator=generator, dtype=torch.float64)).to(dtype)


def masked(student: Tensor, teacher: Tensor) -> tuple[Tensor, Tensor]:
    """Return both with every kind of −∞: in both, in one, in a whole row of one."""
    student, teacher = student.clone(), teacher.clone()
    student[..., -2:] = teacher[..., -2:] = -math.inf
    if len(student) > 3:
        student[0, 0] = teacher[1, 0] = -math.inf
        teacher[2] = -math.inf
        student[3] = -math.inf
    return student, teacher


def value_and_gradients(
    loss: Callable[..., Tensor], *tensors: Tensor, **options: object
) -> list[Tensor]:
    """Return the loss and the gradients of an uneven weighting of its values."""
    leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
    value = loss(*leaves, **options)
    upstream = torch.linspace(0.5, 2, max(1, value.numel()), dtype=value.dtype, device=value.device)
    gradients = torch.autograd.grad(value, leaves, upstream.reshape(value.shape), allow_unused=True)
    return [value.detach()] + [
        torch.zeros_like(leaf) if gradient is None else gradient
        for leaf, gradient in zip(leaves, gradients, strict=True)
    ]
