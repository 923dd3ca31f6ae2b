"""Entropy and class proportions of images: classes in registers, a block of pixels per program."""

import triton
import triton.language as tl


@triton.jit
def _softmax(
    logits, image_start, column, classes, pixels, CLASSES: tl.constexpr, ACC: tl.constexpr
):
    """Return softmax over classes (CLASSES, block), and its logarithm: 0 where a logit is −∞."""
    row = tl.arange(0, CLASSES)[:, None]
    inside = (row < classes) & (column < pixels)[None, :]
    place = image_start + row.to(tl.int64) * pixels + column[None, :]
    x = tl.load(logits + place, mask=inside, other=float("-inf")).to(ACC)
    top = tl.max(x, 0)
    top = tl.where(top == float("-inf"), 0.0, top)
    mass = tl.exp(x - top[None, :])
    total = tl.sum(mass, 0)
    total = tl.where(total == 0, 1.0, total)
    q = mass / total[None, :]
    log_q = tl.where(x == float("-inf"), 0.0, x - top[None, :] - tl.log(total)[None, :])
    return q, log_q, place, inside


@triton.jit
def pixel_kernel(
    logits, pixel_weight, class_weight, out, classes, pixels,
    CLASSES: tl.constexpr, BLOCK: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Write a block's part of the weighted entropy and of the proportions, (B, blocks, 1 + C).

    Parts are summed by a second, ordered reduction, so that results do not change from run to run.
    """
    image = tl.program_id(1).to(tl.int64)
    column = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    start = image * classes * pixels
    q, log_q, _, _ = _softmax(logits, start, column, classes, pixels, CLASSES, ACC)
    row = tl.arange(0, CLASSES)
    share = tl.load(pixel_weight + image * pixels + column, mask=column < pixels, other=0.0)
    q *= share.to(ACC)[None, :]
    of_class = tl.load(class_weight + row, mask=row < classes, other=0.0).to(ACC)
    entropy = -tl.sum(tl.sum(q * log_q, 1) * of_class, 0)
    part = out + (image * tl.num_programs(0) + tl.program_id(0)) * (classes + 1)
    tl.store(part, entropy)
    tl.store(part + 1 + row, tl.sum(q, 1), mask=row < classes)


@triton.jit
def pixel_gradient_kernel(
    logits, pixel_weight, class_weight, upstream, gradient, classes, pixels,
    CLASSES: tl.constexpr, BLOCK: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Write the gradient of a block of pixels from ``upstream`` (B, 1 + C)."""
    image = tl.program_id(1).to(tl.int64)
    column = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    start = image * classes * pixels
    q, log_q, place, inside = _softmax(logits, start, column, classes, pixels, CLASSES, ACC)
    row = tl.arange(0, CLASSES)
    share = tl.load(pixel_weight + image * pixels + column, mask=column < pixels, other=0.0)
    of_class = tl.load(class_weight + row, mask=row < classes, other=0.0).to(ACC)
    own = upstream + image * (classes + 1)
    of_proportion = tl.load(own + 1 + row, mask=row < classes, other=0.0).to(ACC)
    of_entropy = tl.load(own).to(ACC) * of_class
    by_q = of_proportion[:, None] - of_entropy[:, None] * (log_q + 1.0)
    mean = tl.sum(q * by_q, 0)
    found = share.to(ACC)[None, :] * q * (by_q - mean[None, :])
    tl.store(gradient + place, found.to(gradient.dtype.element_ty), inside)
