"""What every sweep over a row does: load a block, keep running maxima, mend the sums."""

import triton
import triton.language as tl

LOG2_E = tl.constexpr(1.4426950408889634)
LN_2 = tl.constexpr(0.6931471805599453)

#: Where a running maximum starts. Finite, so that −∞ minus it is −∞ and not NaN.
LOWEST = tl.constexpr(-3.0e38)

#: Log₂ of the least normal float32, and of the least float64: smaller probabilities are 0.
LEAST_32 = tl.constexpr(-126.0)
LEAST_64 = tl.constexpr(-1022.0)

#: A running maximum may be outgrown by this much (in bits) before sums are rescaled to a new one.
SLACK = tl.constexpr(16.0)


@triton.jit
def load_scaled(row_start, columns, n_columns, scale, ACC: tl.constexpr, TAIL: tl.constexpr):
    """Return a block of a row's logits times ``scale`` · log₂ e; −∞ beyond the row's end."""
    # Without a mask in the body of the row the loads are vectorised.
    if TAIL:
        values = tl.load(row_start + columns, mask=columns < n_columns, other=float("-inf"))
    else:
        values = tl.load(row_start + columns)
    return values.to(ACC) * (scale * LOG2_E)


@triton.jit
def store_block(row_start, columns, n_columns, values, TAIL: tl.constexpr):
    """Store a block of a row in the row's own type."""
    if TAIL:
        tl.store(row_start + columns, values.to(row_start.dtype.element_ty), columns < n_columns)
    else:
        tl.store(row_start + columns, values.to(row_start.dtype.element_ty))


@triton.jit
def pair_max(a, b, c, d):
    """Return the greater of two pairs, element by element: one reduction for both sides."""
    return tl.maximum(a, c), tl.maximum(b, d)


@triton.jit
def finite_part(logits):
    """Return the logits, 0 in place of −∞: what is multiplied by a probability of 0."""
    return tl.where(logits == float("-inf"), 0.0, logits)


@triton.jit
def present(log_sum):
    """Return a row's log-normaliser, 0 for a row without any class, so that exp(−∞ − 0) is 0."""
    return tl.where(log_sum == float("-inf"), 0.0, log_sum)


@triton.jit
def least(ACC: tl.constexpr):
    """Return log₂ of the least probability that is not 0."""
    if tl.float64 == ACC:
        return LEAST_64
    return LEAST_32


@triton.jit
def log2_of(values, FAST: tl.constexpr):
    """Return log₂: one instruction where ``FAST`` (error 2⁻²² near 1), 29 where not."""
    if FAST:
        return tl.extra.libdevice.fast_log2f(values)
    return tl.log2(values)


@triton.jit
def ratio_of(above, below, FAST: tl.constexpr):
    """Return above / below: five instructions where ``FAST``, eleven where not."""
    if FAST:
        return tl.extra.libdevice.fast_dividef(above, below)
    return above / below
