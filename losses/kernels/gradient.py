"""Class A, second kernel: the gradient of both sides in one sweep, from ten numbers per row."""

import triton
import triton.language as tl

from losses.kernels.blocks import (
    LN_2,
    clear_rows,
    finite_part,
    load_log_sum,
    load_scaled,
    store_block,
)


@triton.jit
def _side(own, other, p_own, p_other, columns, target, c, ACC: tl.constexpr, TARGET: tl.constexpr):
    """Return p_own (c₀ + c₁ own + c₂ other) + c₃ p_other + c₄ [column = target]."""
    constant = tl.load(c).to(ACC)
    of_own = tl.load(c + 1).to(ACC) * LN_2
    of_other = tl.load(c + 2).to(ACC) * LN_2
    crossed = tl.load(c + 3).to(ACC)
    gradient = p_own * (constant + of_own * own + of_other * other) + crossed * p_other
    if TARGET:
        gradient += tl.where(columns == target, tl.load(c + 4).to(ACC), 0.0)
    return gradient


@triton.jit
def _block(
    x_row, y_row, gx_row, gy_row, columns, n_columns, scale, log_x, log_y, target, c,
    TEACHER: tl.constexpr, TARGET: tl.constexpr, OF_STUDENT: tl.constexpr,
    OF_TEACHER: tl.constexpr, ACC: tl.constexpr, TAIL: tl.constexpr,
):  # fmt: skip
    x = load_scaled(x_row, columns, n_columns, scale, ACC, TAIL)
    q = tl.exp2(x - log_x)
    x = finite_part(x)
    y = x * 0.0
    p = y
    if TEACHER == 1:
        y = load_scaled(y_row, columns, n_columns, scale, ACC, TAIL)
        p = tl.exp2(y - log_y)
        y = finite_part(y)
    if TEACHER == 2:
        p += 1.0 / n_columns
    if OF_STUDENT:
        gradient = _side(x, y, q, p, columns, target, c, ACC, TARGET)
        store_block(gx_row, columns, n_columns, gradient, TAIL)
    if OF_TEACHER:
        gradient = _side(y, x, p, q, columns, target, c + 5, ACC, TARGET)
        store_block(gy_row, columns, n_columns, gradient, TAIL)


@triton.jit
def gradient_kernel(
    student, teacher, target, weight, log_sums, coefficients, of_student, of_teacher, n_columns,
    student_stride, teacher_stride, gradient_stride, scale,
    TEACHER: tl.constexpr, TARGET: tl.constexpr, OF_STUDENT: tl.constexpr,
    OF_TEACHER: tl.constexpr, BLOCK: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Write the gradient of one row per program from ``coefficients`` (N, 10)."""
    row = tl.program_id(0).to(tl.int64)
    x_row = student + row * student_stride
    y_row = teacher + row * teacher_stride
    gx_row = of_student + row * gradient_stride
    gy_row = of_teacher + row * gradient_stride
    block = tl.arange(0, BLOCK)
    if tl.load(weight + row) == 0:
        clear_rows(gx_row, gy_row, n_columns, OF_STUDENT, OF_TEACHER, BLOCK)
    else:
        log_x = load_log_sum(log_sums + row * 2, ACC)
        log_y = load_log_sum(log_sums + row * 2 + 1, ACC)
        index = 0
        if TARGET:
            index = tl.load(target + row).to(tl.int32)
        c = coefficients + row * 10
        body = n_columns // BLOCK * BLOCK
        for start in tl.range(0, body, BLOCK):
            _block(
                x_row, y_row, gx_row, gy_row, start + block, n_columns, scale, log_x, log_y, index,
                c, TEACHER, TARGET, OF_STUDENT, OF_TEACHER, ACC, False,
            )  # fmt: skip
        if body < n_columns:
            _block(
                x_row, y_row, gx_row, gy_row, body + block, n_columns, scale, log_x, log_y, index,
                c, TEACHER, TARGET, OF_STUDENT, OF_TEACHER, ACC, True,
            )  # fmt: skip
