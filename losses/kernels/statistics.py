"""Class A, first kernel: the statistics of each row in one sweep over student and teacher."""

import triton
import triton.language as tl

from losses.kernels.blocks import (
    LN_2,
    LOWEST,
    SLACK,
    finite_part,
    least,
    load_scaled,
    log_sum_of,
    pair_max,
)


@triton.jit
def _add_block(
    x, y, top_x, top_y, sum_x, sum_y, x_x, x_y, y_y, y_x, gap_x, gap_y,
    TEACHER: tl.constexpr, MOMENTS: tl.constexpr,
):  # fmt: skip
    """Add a block to the running sums: Σ eˣ, Σ eˣ x, Σ eˣ y, … relative to the running maxima.

    ``gap_x`` is the greatest teacher's logit where the student's is −∞, ``gap_y`` the reverse.
    """
    if TEACHER == 1:
        block_x, block_y = tl.reduce((x, y), 0, pair_max)
    else:
        block_x = tl.max(x, 0)
        block_y = top_y
    # Lazily: sums within 2¹⁶ of their maximum lose nothing, and most blocks bring no new one.
    if (block_x > top_x + SLACK) | (block_y > top_y + SLACK):
        new_x = tl.maximum(top_x, block_x)
        new_y = tl.maximum(top_y, block_y)
        of_x = tl.exp2(top_x - new_x)
        of_y = tl.exp2(top_y - new_y)
        sum_x *= of_x
        sum_y *= of_y
        x_x *= of_x
        x_y *= of_x
        y_y *= of_y
        y_x *= of_y
        top_x = new_x
        top_y = new_y
    e_x = tl.exp2(x - top_x)
    sum_x += e_x
    if MOMENTS:
        finite_x = finite_part(x)
        x_x += e_x * finite_x
        if TEACHER == 2:
            y_x += finite_x
            gap_x = tl.maximum(gap_x, tl.where(x == float("-inf"), y, float("-inf")))
    if TEACHER == 1:
        e_y = tl.exp2(y - top_y)
        sum_y += e_y
        if MOMENTS:
            finite_y = finite_part(y)
            x_y += e_x * finite_y
            y_y += e_y * finite_y
            y_x += e_y * finite_x
            gap_x = tl.maximum(gap_x, tl.where(x == float("-inf"), y, float("-inf")))
            gap_y = tl.maximum(gap_y, tl.where(y == float("-inf"), x, float("-inf")))
    return top_x, top_y, sum_x, sum_y, x_x, x_y, y_y, y_x, gap_x, gap_y


@triton.jit
def _mean(total, mass, gap, log_sum, ACC: tl.constexpr):
    """Return total / mass; −∞ if a class of more than no probability met a logit of −∞."""
    mean = tl.where(mass > 0, total / tl.where(mass > 0, mass, 1.0), 0.0) * LN_2
    return tl.where(gap - log_sum > least(ACC), float("-inf"), mean)


@triton.jit
def _store_means(
    row_out, x_x, x_y, y_y, y_x, gap_x, gap_y, mass_x, mass_y, log_x, log_y, n_columns,
    TEACHER: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Store the means of both sides' logits under both distributions, as far as there are any."""
    never = tl.full([], float("-inf"), ACC)
    tl.store(row_out + 2, _mean(tl.sum(x_x, 0), mass_x, never, log_x, ACC))
    of_gap_x = tl.max(gap_x, 0)
    if TEACHER == 1:
        of_gap_y = tl.max(gap_y, 0)
        tl.store(row_out + 3, _mean(tl.sum(x_y, 0), mass_x, of_gap_y, log_x, ACC))
        tl.store(row_out + 4, _mean(tl.sum(y_y, 0), mass_y, never, log_y, ACC))
        tl.store(row_out + 5, _mean(tl.sum(y_x, 0), mass_y, of_gap_x, log_y, ACC))
    if TEACHER == 2:
        mean = tl.sum(y_x, 0) / n_columns * LN_2
        tl.store(row_out + 5, tl.where(of_gap_x == 0, float("-inf"), mean))


@triton.jit
def _target_logit(logits, row_start, target, n_columns, scale, ACC: tl.constexpr):
    """Return the scaled logit of the target; NaN where it is no class."""
    inside = (target >= 0) & (target < n_columns)
    value = tl.load(row_start + tl.where(inside, target, 0)).to(ACC) * scale
    return tl.where(inside, value, float("nan"))


@triton.jit
def statistics_kernel(
    student, teacher, target, weight, out, n_columns, student_stride, teacher_stride, scale,
    TEACHER: tl.constexpr, TARGET: tl.constexpr, MOMENTS: tl.constexpr, BLOCK: tl.constexpr,
    ACC: tl.constexpr,
):  # fmt: skip
    """Write the eight statistics of one row per program (``losses.rows.class_a.Column``).

    ``TEACHER``: 0 none, 1 logits, 2 the uniform distribution of smoothed labels.
    """
    row = tl.program_id(0).to(tl.int64)
    x_row = student + row * student_stride
    y_row = teacher + row * teacher_stride
    read = tl.load(weight + row) != 0
    end = tl.where(read, n_columns, 0)
    body = end // BLOCK * BLOCK
    block = tl.arange(0, BLOCK)
    zero = tl.zeros([BLOCK], ACC)
    top_x = tl.full([], LOWEST, ACC)
    top_y = tl.full([], LOWEST, ACC)
    y, sum_x, sum_y, x_x, x_y, y_y, y_x = zero, zero, zero, zero, zero, zero, zero
    gap_x = zero + float("-inf")
    gap_y = zero + float("-inf")
    for start in tl.range(0, body, BLOCK):
        columns = start + block
        x = load_scaled(x_row, columns, n_columns, scale, ACC, False)
        if TEACHER == 1:
            y = load_scaled(y_row, columns, n_columns, scale, ACC, False)
        top_x, top_y, sum_x, sum_y, x_x, x_y, y_y, y_x, gap_x, gap_y = _add_block(
            x, y, top_x, top_y, sum_x, sum_y, x_x, x_y, y_y, y_x, gap_x, gap_y, TEACHER, MOMENTS
        )
    if body < end:
        columns = body + block
        x = load_scaled(x_row, columns, n_columns, scale, ACC, True)
        if TEACHER == 1:
            y = load_scaled(y_row, columns, n_columns, scale, ACC, True)
        else:
            y = tl.where(columns < n_columns, zero, float("-inf"))
        top_x, top_y, sum_x, sum_y, x_x, x_y, y_y, y_x, gap_x, gap_y = _add_block(
            x, y, top_x, top_y, sum_x, sum_y, x_x, x_y, y_y, y_x, gap_x, gap_y, TEACHER, MOMENTS
        )
    mass_x = tl.sum(sum_x, 0)
    mass_y = tl.sum(sum_y, 0)
    log_x = log_sum_of(top_x, mass_x)
    log_y = log_sum_of(top_y, mass_y)
    row_out = out + row * 8
    tl.store(row_out, tl.where(read, log_x * LN_2, 0.0))
    if TEACHER == 1:
        tl.store(row_out + 1, tl.where(read, log_y * LN_2, 0.0))
    if MOMENTS:
        _store_means(
            row_out, x_x, x_y, y_y, y_x, gap_x, gap_y, mass_x, mass_y, log_x, log_y, n_columns,
            TEACHER, ACC,
        )  # fmt: skip
    if TARGET:
        y_index = tl.load(target + row)
        s_y = _target_logit(student, x_row, y_index, n_columns, scale, ACC)
        tl.store(row_out + 6, tl.where(read, s_y, 0.0))
        if TEACHER == 1:
            t_y = _target_logit(teacher, y_row, y_index, n_columns, scale, ACC)
            tl.store(row_out + 7, tl.where(read, t_y, 0.0))
