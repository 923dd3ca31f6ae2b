"""KL balancing of categorical latents: value and both gradients of a time step in one program."""

import triton
import triton.language as tl


@triton.jit
def _softmax(logits):
    """Return the softmax over the last axis, 0 everywhere in a group of −∞ alone."""
    top = tl.max(logits, 1)
    top = tl.where(top == float("-inf"), 0.0, top)
    mass = tl.exp(logits - top[:, None])
    total = tl.sum(mass, 1)
    return mass / tl.where(total == 0, 1.0, total)[:, None]


@triton.jit
def _log(p):
    """Return log p, 0 where p is 0: it is multiplied by p."""
    return tl.log(tl.where(p > 0, p, 1.0))


@triton.jit
def balanced_kernel(
    posterior, prior, value, of_posterior, of_prior, groups, classes, posterior_stride,
    prior_stride, free, dynamics, representation, unimix,
    GRADIENT: tl.constexpr, GROUPS: tl.constexpr, CLASSES: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Write the loss of one row (groups, classes), and with ``GRADIENT`` both gradients.

    A row is contiguous. The whole tile stays in registers: nothing but logits is read, nothing but
    the loss and the gradients is written.
    """
    row = tl.program_id(0).to(tl.int64)
    group = tl.arange(0, GROUPS)[:, None]
    column = tl.arange(0, CLASSES)[None, :]
    place = group * classes + column
    inside = (group < groups) & (column < classes)
    x = tl.load(posterior + row * posterior_stride + place, mask=inside, other=float("-inf"))
    y = tl.load(prior + row * prior_stride + place, mask=inside, other=float("-inf"))
    q = _softmax(x.to(ACC))
    p = _softmax(y.to(ACC))
    floor = tl.where(inside, unimix / classes, 0.0)
    a = (1.0 - unimix) * q + floor
    b = (1.0 - unimix) * p + floor
    ratio = _log(a) - _log(b)
    divergence = tl.sum(tl.sum(a * ratio, 1), 0)
    impossible = tl.max(tl.max(tl.where((a > 0) & (b == 0), 1.0, 0.0), 1), 0) > 0
    divergence = tl.where(impossible, float("inf"), divergence)
    held = tl.where(divergence < free, free, divergence)
    tl.store(value + row, (dynamics + representation) * held)
    if GRADIENT:
        flows = tl.where((divergence >= free) & (divergence < float("inf")), 1.0 - unimix, 0.0)
        mean = tl.sum(q * ratio, 1)[:, None]
        out = row * groups * classes + place
        gradient = representation * flows * q * (ratio - mean)
        tl.store(of_posterior + out, gradient.to(of_posterior.dtype.element_ty), inside)
        quotient = -a / tl.where(b > 0, b, 1.0)
        mean = tl.sum(p * quotient, 1)[:, None]
        gradient = dynamics * flows * p * (quotient - mean)
        tl.store(of_prior + out, gradient.to(of_prior.dtype.element_ty), inside)
