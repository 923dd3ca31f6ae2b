"""Gaussian Gram matrices that are never stored: log row sums, and the pull of their gradient.

Points are samples divided by their bandwidth, so that a pair's log kernel is −½‖aᵢ − bⱼ‖². The
products are IEEE float32: tensor-core precision does not survive the cancellation in |a|² + |b|² −
2 a·b. Sums run over columns in order, so that results do not change from run to run.
"""

import triton
import triton.language as tl


@triton.jit
def _log_kernel(
    a, b, a_norm, b_norm, rows, columns, n, m, width,
    STEP: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Return −½‖aᵢ − bⱼ‖² of a tile of pairs; 0 beyond the ends."""
    cross = tl.zeros([ROWS, COLUMNS], ACC)
    for start in tl.range(0, width, STEP):
        column = start + tl.arange(0, STEP)
        left = tl.load(
            a + rows[:, None] * width + column[None, :],
            mask=(rows < n)[:, None] & (column < width)[None, :],
            other=0.0,
        )
        right = tl.load(
            b + columns[None, :] * width + column[:, None],
            mask=(columns < m)[None, :] & (column < width)[:, None],
            other=0.0,
        )
        cross += tl.dot(left, right, input_precision="ieee", out_dtype=ACC)
    own = tl.load(a_norm + rows, mask=rows < n, other=0.0)
    other = tl.load(b_norm + columns, mask=columns < m, other=0.0)
    return tl.minimum(cross - own[:, None] - other[None, :], 0.0)


@triton.jit
def row_log_sum_kernel(
    a, b, a_norm, b_norm, c, d, c_norm, d_norm, bias, out, n, m, width, second_width,
    SECOND: tl.constexpr, BIAS: tl.constexpr, STEP: tl.constexpr, ROWS: tl.constexpr,
    COLUMNS: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Write log Σⱼ exp(log k(aᵢ, bⱼ) + log k(cᵢ, dⱼ) + biasⱼ) of a block of rows i."""
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    top = tl.full([ROWS], -3.0e38, ACC)
    total = tl.zeros([ROWS], ACC)
    for start in tl.range(0, m, COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        log = _log_kernel(
            a, b, a_norm, b_norm, rows, columns, n, m, width, STEP, ROWS, COLUMNS, ACC
        )
        if SECOND:
            log += _log_kernel(
                c, d, c_norm, d_norm, rows, columns, n, m, second_width, STEP, ROWS, COLUMNS, ACC
            )
        if BIAS:
            log += tl.load(bias + columns, mask=columns < m, other=0.0)[None, :]
        log = tl.where((columns < m)[None, :], log, float("-inf"))
        new = tl.maximum(top, tl.max(log, 1))
        total = total * tl.exp(top - new) + tl.sum(tl.exp(log - new[:, None]), 1)
        top = new
    tl.store(out + rows, top + tl.log(total), mask=rows < n)


@triton.jit
def pull_kernel(
    a, b, a_norm, b_norm, c, d, c_norm, d_norm, own_log, other_log, other_factor, points, mass,
    out, n, m, width, second_width, point_width,
    SECOND: tl.constexpr, STEP: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
    POINTS: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Write Σⱼ Wᵢⱼ and some columns of Σⱼ Wᵢⱼ pointsⱼ of a block of rows i.

    Wᵢⱼ = k(aᵢ, bⱼ) k(cᵢ, dⱼ) exp(own_logᵢ + other_logⱼ) · other_factorⱼ.
    """
    rows = tl.program_id(0).to(tl.int64) * ROWS + tl.arange(0, ROWS)
    place = tl.program_id(1) * POINTS + tl.arange(0, POINTS)
    total = tl.zeros([ROWS], ACC)
    pulled = tl.zeros([ROWS, POINTS], ACC)
    own = tl.load(own_log + rows, mask=rows < n, other=0.0)
    for start in tl.range(0, m, COLUMNS):
        columns = start + tl.arange(0, COLUMNS)
        log = _log_kernel(
            a, b, a_norm, b_norm, rows, columns, n, m, width, STEP, ROWS, COLUMNS, ACC
        )
        if SECOND:
            log += _log_kernel(
                c, d, c_norm, d_norm, rows, columns, n, m, second_width, STEP, ROWS, COLUMNS, ACC
            )
        other = tl.load(other_log + columns, mask=columns < m, other=float("-inf"))
        factor = tl.load(other_factor + columns, mask=columns < m, other=0.0)
        weights = tl.exp(log + own[:, None] + other[None, :]) * factor[None, :]
        total += tl.sum(weights, 1)
        right = tl.load(
            points + columns[:, None] * point_width + place[None, :],
            mask=(columns < m)[:, None] & (place < point_width)[None, :],
            other=0.0,
        )
        pulled += tl.dot(weights, right, input_precision="ieee", out_dtype=ACC)
    if tl.program_id(1) == 0:
        tl.store(mass + rows, total, mask=rows < n)
    tl.store(
        out + rows[:, None] * point_width + place[None, :],
        pulled,
        mask=(rows < n)[:, None] & (place < point_width)[None, :],
    )
