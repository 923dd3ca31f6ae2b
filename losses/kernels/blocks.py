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
def load_log_sum(place, ACC: tl.constexpr):
    """Return a stored log-normaliser in base 2, ready to be taken from base-2 logits."""
    return present(tl.load(place)).to(ACC) * LOG2_E


@triton.jit
def log_sum_of(top, mass):
    """Return top + log₂ mass, −∞ without mass; NaN where the row held one, or +∞.

    NaN and +∞ fail every comparison: they must not come out as an empty row.
    """
    log_sum = tl.where(mass > 0, top + tl.log2(tl.where(mass > 0, mass, 1.0)), float("-inf"))
    return tl.where(mass == mass, log_sum, float("nan"))


@triton.jit
def clear_row(row_start, n_columns, BLOCK: tl.constexpr):
    """Store zeros into a row that was dropped."""
    for start in tl.range(0, n_columns, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        nothing = tl.zeros([BLOCK], row_start.dtype.element_ty)
        tl.store(row_start + columns, nothing, mask=columns < n_columns)


@triton.jit
def clear_rows(
    gx_row, gy_row, n_columns, OF_STUDENT: tl.constexpr, OF_TEACHER: tl.constexpr,
    BLOCK: tl.constexpr,
):  # fmt: skip
    """Store zeros as the gradients of a row that was dropped."""
    if OF_STUDENT:
        clear_row(gx_row, n_columns, BLOCK)
    if OF_TEACHER:
        clear_row(gy_row, n_columns, BLOCK)


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
