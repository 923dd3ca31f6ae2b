"""Rényi's divergence: the log-normalisers of s, t and alpha · t + (1 − alpha) · s in one sweep."""

import triton
import triton.language as tl

from losses.kernels.blocks import (
    LN_2,
    LOWEST,
    clear_rows,
    least,
    load_log_sum,
    load_scaled,
    log_sum_of,
    store_block,
)


@triton.jit
def _mix(x, y, share):
    """Return share · y + (1 − share) · x, −∞ where one of them is."""
    shared = (x > float("-inf")) & (y > float("-inf"))
    mixed = share * tl.where(shared, y, 0.0) + (1.0 - share) * tl.where(shared, x, 0.0)
    return tl.where(shared, mixed, float("-inf"))


@triton.jit
def _add(values, top, total):
    """Return the running maximum and Σ 2^values relative to it, with one more block."""
    new = tl.maximum(top, tl.max(values, 0))
    return new, total * tl.exp2(top - new) + tl.exp2(values - new)


@triton.jit
def mixture_kernel(
    student, teacher, weight, out, n_columns, student_stride, teacher_stride, scale, alpha,
    BLOCK: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Write the three log-normalisers of a row, and 1 where some p > 0 meets q = 0, (N, 4)."""
    row = tl.program_id(0).to(tl.int64)
    x_row = student + row * student_stride
    y_row = teacher + row * teacher_stride
    read = tl.load(weight + row) != 0
    end = tl.where(read, n_columns, 0)
    share = alpha
    nothing = tl.zeros([BLOCK], ACC)
    top_x = tl.full([], LOWEST, ACC)
    top_y = tl.full([], LOWEST, ACC)
    top_z = tl.full([], LOWEST, ACC)
    sum_x, sum_y, sum_z = nothing, nothing, nothing
    gap = nothing + float("-inf")
    for start in tl.range(0, end, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        x = load_scaled(x_row, columns, n_columns, scale, ACC, True)
        y = load_scaled(y_row, columns, n_columns, scale, ACC, True)
        top_x, sum_x = _add(x, top_x, sum_x)
        top_y, sum_y = _add(y, top_y, sum_y)
        top_z, sum_z = _add(_mix(x, y, share), top_z, sum_z)
        gap = tl.maximum(gap, tl.where(x == float("-inf"), y, float("-inf")))
    log_x = log_sum_of(top_x, tl.sum(sum_x, 0))
    log_y = log_sum_of(top_y, tl.sum(sum_y, 0))
    log_z = log_sum_of(top_z, tl.sum(sum_z, 0))
    impossible = tl.max(gap, 0) - log_y > least(ACC)
    tl.store(out + row * 4, tl.where(read, log_x * LN_2, 0.0))
    tl.store(out + row * 4 + 1, tl.where(read, log_y * LN_2, 0.0))
    tl.store(out + row * 4 + 2, tl.where(read, log_z * LN_2, 0.0))
    tl.store(out + row * 4 + 3, tl.where(impossible, 1.0, 0.0))


@triton.jit
def mixture_gradient_kernel(
    student, teacher, weight, log_sums, upstream, of_student, of_teacher, n_columns,
    student_stride, teacher_stride, gradient_stride, scale, alpha,
    OF_STUDENT: tl.constexpr, OF_TEACHER: tl.constexpr, BLOCK: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Write the gradient of upstream (N, 4) · the log-normalisers for one row per program."""
    row = tl.program_id(0).to(tl.int64)
    x_row = student + row * student_stride
    y_row = teacher + row * teacher_stride
    gx_row = of_student + row * gradient_stride
    gy_row = of_teacher + row * gradient_stride
    if tl.load(weight + row) == 0:
        clear_rows(gx_row, gy_row, n_columns, OF_STUDENT, OF_TEACHER, BLOCK)
    else:
        share = alpha
        log_x = load_log_sum(log_sums + row * 4, ACC)
        log_y = load_log_sum(log_sums + row * 4 + 1, ACC)
        log_z = load_log_sum(log_sums + row * 4 + 2, ACC)
        of_x = tl.load(upstream + row * 4).to(ACC) * scale
        of_y = tl.load(upstream + row * 4 + 1).to(ACC) * scale
        of_z = tl.load(upstream + row * 4 + 2).to(ACC) * scale
        for start in tl.range(0, n_columns, BLOCK):
            columns = start + tl.arange(0, BLOCK)
            x = load_scaled(x_row, columns, n_columns, scale, ACC, True)
            y = load_scaled(y_row, columns, n_columns, scale, ACC, True)
            r = tl.exp2(_mix(x, y, share) - log_z) * of_z
            if OF_STUDENT:
                gradient = of_x * tl.exp2(x - log_x) + (1.0 - share) * r
                store_block(gx_row, columns, n_columns, gradient, True)
            if OF_TEACHER:
                gradient = of_y * tl.exp2(y - log_y) + share * r
                store_block(gy_row, columns, n_columns, gradient, True)
