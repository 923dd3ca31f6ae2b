"""Class B: sums over classes of a function of q and p, once both are normalised.

For an f-divergence Σ f with u = ∂f/∂log q, the derivative by log p is f − u, because f is
homogeneous of degree one in (q, p). So the sums F = Σ f and U = Σ u are all the gradient needs:
∂/∂sᵢ = uᵢ − qᵢ U and ∂/∂tᵢ = (fᵢ − uᵢ) − pᵢ (F − U). Three sweeps: normalisers, sums, gradient.
"""

import triton
import triton.language as tl

from losses.kernels.blocks import (
    LN_2,
    clear_rows,
    load_log_sum,
    load_scaled,
    log2_of,
    ratio_of,
    store_block,
)

JS = tl.constexpr(0)
SKEW_FORWARD = tl.constexpr(1)
SKEW_REVERSE = tl.constexpr(2)
TOTAL_VARIATION = tl.constexpr(3)

#: What a mixture is kept above, so that its logarithm is finite: just over the least normal
#: float32. A smaller literal would be typed float64, at a seventh of the speed.
TINY = tl.constexpr(1.2e-37)


@triton.jit
def _terms(x, y, log_x, log_y, parameter, KIND: tl.constexpr, FAST: tl.constexpr):
    """Return q, p, f and u = ∂f/∂log q of a block of base-2 logits."""
    log_q = x - log_x
    log_p = y - log_y
    q = tl.exp2(log_q)
    p = tl.exp2(log_p)
    # p log p is 0 at p = 0: there the logarithm is held finite.
    log_q = tl.maximum(log_q, -126.0)
    log_p = tl.maximum(log_p, -126.0)
    if KIND == JS:
        mixture = parameter * p + (1.0 - parameter) * q
        log_m = log2_of(tl.maximum(mixture, TINY), FAST)
        u = (1.0 - parameter) * q * (log_q - log_m) * LN_2
        f = u + parameter * p * (log_p - log_m) * LN_2
    elif KIND == SKEW_FORWARD:
        mixture = tl.maximum(parameter * p + (1.0 - parameter) * q, TINY)
        f = p * (log_p - log2_of(mixture, FAST)) * LN_2
        u = -(1.0 - parameter) * p * ratio_of(q, mixture, FAST)
    elif KIND == SKEW_REVERSE:
        mixture = tl.maximum(parameter * q + (1.0 - parameter) * p, TINY)
        f = q * (log_q - log2_of(mixture, FAST)) * LN_2
        u = f + (1.0 - parameter) * q * ratio_of(p, mixture, FAST)
    else:
        f = 0.5 * tl.abs(p - q)
        u = tl.where(q > p, 0.5 * q, tl.where(q < p, -0.5 * q, 0.0))
    return q, p, f, u


@triton.jit
def sums_kernel(
    student, teacher, weight, log_sums, out, n_columns, student_stride, teacher_stride, scale,
    parameter, KIND: tl.constexpr, BLOCK: tl.constexpr, ACC: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    """Write F and U of one row per program, (N, 2)."""
    row = tl.program_id(0).to(tl.int64)
    x_row = student + row * student_stride
    y_row = teacher + row * teacher_stride
    end = tl.where(tl.load(weight + row) != 0, n_columns, 0)
    log_x = load_log_sum(log_sums + row * 2, ACC)
    log_y = load_log_sum(log_sums + row * 2 + 1, ACC)
    share = parameter
    block = tl.arange(0, BLOCK)
    total = tl.zeros([BLOCK], ACC)
    of_q = tl.zeros([BLOCK], ACC)
    body = end // BLOCK * BLOCK
    for start in tl.range(0, body, BLOCK):
        columns = start + block
        x = load_scaled(x_row, columns, n_columns, scale, ACC, False)
        y = load_scaled(y_row, columns, n_columns, scale, ACC, False)
        _, _, f, u = _terms(x, y, log_x, log_y, share, KIND, FAST)
        total += f
        of_q += u
    if body < end:
        columns = body + block
        x = load_scaled(x_row, columns, n_columns, scale, ACC, True)
        y = load_scaled(y_row, columns, n_columns, scale, ACC, True)
        _, _, f, u = _terms(x, y, log_x, log_y, share, KIND, FAST)
        total += f
        of_q += u
    tl.store(out + row * 2, tl.sum(total, 0))
    tl.store(out + row * 2 + 1, tl.sum(of_q, 0))


@triton.jit
def _gradient_block(
    x_row, y_row, gx_row, gy_row, columns, n_columns, scale, log_x, log_y, share, factor, total,
    of_q, KIND: tl.constexpr, OF_STUDENT: tl.constexpr, OF_TEACHER: tl.constexpr,
    ACC: tl.constexpr, FAST: tl.constexpr, TAIL: tl.constexpr,
):  # fmt: skip
    x = load_scaled(x_row, columns, n_columns, scale, ACC, TAIL)
    y = load_scaled(y_row, columns, n_columns, scale, ACC, TAIL)
    q, p, f, u = _terms(x, y, log_x, log_y, share, KIND, FAST)
    if OF_STUDENT:
        store_block(gx_row, columns, n_columns, factor * (u - q * of_q), TAIL)
    if OF_TEACHER:
        store_block(gy_row, columns, n_columns, factor * (f - u - p * (total - of_q)), TAIL)


@triton.jit
def sums_gradient_kernel(
    student, teacher, weight, log_sums, sums, upstream, of_student, of_teacher, n_columns,
    student_stride, teacher_stride, gradient_stride, scale, parameter,
    KIND: tl.constexpr, OF_STUDENT: tl.constexpr, OF_TEACHER: tl.constexpr, BLOCK: tl.constexpr,
    ACC: tl.constexpr, FAST: tl.constexpr,
):  # fmt: skip
    """Write the gradient of upstream · F for one row per program."""
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
        share = parameter
        factor = tl.load(upstream + row).to(ACC) * scale
        total = tl.load(sums + row * 2).to(ACC)
        of_q = tl.load(sums + row * 2 + 1).to(ACC)
        body = n_columns // BLOCK * BLOCK
        for start in tl.range(0, body, BLOCK):
            _gradient_block(
                x_row, y_row, gx_row, gy_row, start + block, n_columns, scale, log_x, log_y, share,
                factor, total, of_q, KIND, OF_STUDENT, OF_TEACHER, ACC, FAST, False,
            )  # fmt: skip
        if body < n_columns:
            _gradient_block(
                x_row, y_row, gx_row, gy_row, body + block, n_columns, scale, log_x, log_y, share,
                factor, total, of_q, KIND, OF_STUDENT, OF_TEACHER, ACC, FAST, True,
            )  # fmt: skip
