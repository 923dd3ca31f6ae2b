"""Clipped KL: six numbers per row with soft keep weights, then one gradient sweep for three."""

import triton
import triton.language as tl

from losses.kernels.blocks import (
    LN_2,
    LOWEST,
    clear_row,
    clear_rows,
    finite_part,
    least,
    load_log_sum,
    load_scaled,
    log_sum_of,
    store_block,
)


@triton.jit
def kept_kernel(
    student, teacher, keep, weight, out, n_columns, student_stride, teacher_stride, keep_stride,
    scale, BLOCK: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Write log Σ exp s, log Σ exp t, Σ q k, Σ p k, Σ p k t and Σ p k s of a row, (N, 6).

    The last is −∞ where k > 0 and p > 0 meet q = 0.
    """
    row = tl.program_id(0).to(tl.int64)
    x_row = student + row * student_stride
    y_row = teacher + row * teacher_stride
    k_row = keep + row * keep_stride
    read = tl.load(weight + row) != 0
    end = tl.where(read, n_columns, 0)
    nothing = tl.zeros([BLOCK], ACC)
    top_x = tl.full([], LOWEST, ACC)
    top_y = tl.full([], LOWEST, ACC)
    sum_x, sum_y, q_k, p_k, p_k_y, p_k_x = nothing, nothing, nothing, nothing, nothing, nothing
    gap = nothing + float("-inf")
    for start in tl.range(0, end, BLOCK):
        columns = start + tl.arange(0, BLOCK)
        x = load_scaled(x_row, columns, n_columns, scale, ACC, True)
        y = load_scaled(y_row, columns, n_columns, scale, ACC, True)
        k = tl.load(k_row + columns, mask=columns < n_columns, other=0.0).to(ACC)
        new_x = tl.maximum(top_x, tl.max(x, 0))
        new_y = tl.maximum(top_y, tl.max(y, 0))
        of_x = tl.exp2(top_x - new_x)
        of_y = tl.exp2(top_y - new_y)
        e_x = tl.exp2(x - new_x)
        e_y = tl.exp2(y - new_y)
        sum_x = sum_x * of_x + e_x
        sum_y = sum_y * of_y + e_y
        q_k = q_k * of_x + e_x * k
        p_k = p_k * of_y + e_y * k
        p_k_y = p_k_y * of_y + e_y * k * finite_part(y)
        p_k_x = p_k_x * of_y + e_y * k * finite_part(x)
        gap = tl.maximum(gap, tl.where((x == float("-inf")) & (k > 0), y, float("-inf")))
        top_x = new_x
        top_y = new_y
    mass_x = tl.sum(sum_x, 0)
    mass_y = tl.sum(sum_y, 0)
    whole_x = tl.where(mass_x > 0, mass_x, 1.0)
    whole_y = tl.where(mass_y > 0, mass_y, 1.0)
    log_x = log_sum_of(top_x, mass_x)
    log_y = log_sum_of(top_y, mass_y)
    impossible = tl.max(gap, 0) - log_y > least(ACC)
    of_student = tl.where(impossible, float("-inf"), tl.sum(p_k_x, 0) / whole_y * LN_2)
    row_out = out + row * 6
    tl.store(row_out, tl.where(read, log_x * LN_2, 0.0))
    tl.store(row_out + 1, tl.where(read, log_y * LN_2, 0.0))
    tl.store(row_out + 2, tl.sum(q_k, 0) / whole_x)
    tl.store(row_out + 3, tl.sum(p_k, 0) / whole_y)
    tl.store(row_out + 4, tl.sum(p_k_y, 0) / whole_y * LN_2)
    tl.store(row_out + 5, of_student)


@triton.jit
def kept_gradient_kernel(
    student, teacher, keep, weight, log_sums, coefficients, of_student, of_teacher, of_keep,
    n_columns, student_stride, teacher_stride, keep_stride, gradient_stride, scale,
    OF_STUDENT: tl.constexpr, OF_TEACHER: tl.constexpr, OF_KEEP: tl.constexpr,
    BLOCK: tl.constexpr, ACC: tl.constexpr,
):  # fmt: skip
    """Write the gradients of one row per program.

    From ``coefficients`` (N, 10): student q (c₀ + c₁ k) + c₂ k p, teacher p (c₃ + c₄ k + c₅ k t +
    c₆ k s), keep p (c₇ + c₅ t + c₆ s) + c₈ q. The first seven are times 1 / temperature already,
    ``c₉`` undoes that for the keep weights.
    """
    row = tl.program_id(0).to(tl.int64)
    x_row = student + row * student_stride
    y_row = teacher + row * teacher_stride
    k_row = keep + row * keep_stride
    gx_row = of_student + row * gradient_stride
    gy_row = of_teacher + row * gradient_stride
    gk_row = of_keep + row * gradient_stride
    if tl.load(weight + row) == 0:
        clear_rows(gx_row, gy_row, n_columns, OF_STUDENT, OF_TEACHER, BLOCK)
        if OF_KEEP:
            clear_row(gk_row, n_columns, BLOCK)
    else:
        log_x = load_log_sum(log_sums + row * 2, ACC)
        log_y = load_log_sum(log_sums + row * 2 + 1, ACC)
        c = coefficients + row * 10
        of_y = tl.load(c + 5).to(ACC) * LN_2
        of_x = tl.load(c + 6).to(ACC) * LN_2
        for start in tl.range(0, n_columns, BLOCK):
            columns = start + tl.arange(0, BLOCK)
            x = load_scaled(x_row, columns, n_columns, scale, ACC, True)
            y = load_scaled(y_row, columns, n_columns, scale, ACC, True)
            k = tl.load(k_row + columns, mask=columns < n_columns, other=0.0).to(ACC)
            q = tl.exp2(x - log_x)
            p = tl.exp2(y - log_y)
            means = of_y * finite_part(y) + of_x * finite_part(x)
            if OF_STUDENT:
                gradient = q * (tl.load(c).to(ACC) + tl.load(c + 1).to(ACC) * k)
                gradient += tl.load(c + 2).to(ACC) * k * p
                store_block(gx_row, columns, n_columns, gradient, True)
            if OF_TEACHER:
                inner = tl.load(c + 3).to(ACC) + k * (tl.load(c + 4).to(ACC) + means)
                store_block(gy_row, columns, n_columns, p * inner, True)
            if OF_KEEP:
                gradient = p * (tl.load(c + 7).to(ACC) + means * tl.load(c + 9).to(ACC))
                gradient += q * tl.load(c + 8).to(ACC)
                store_block(gk_row, columns, n_columns, gradient, True)
