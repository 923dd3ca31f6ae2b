"""The kernels in the forms that a large vocabulary launches, to be compiled without a GPU."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import triton.language as tl

from losses.kernels import balanced, clipped, gradient, gram, mixture, pixels, pointwise, statistics
from losses.kernels.compilation import Resources, compile_kernel
from losses.kernels.launch import BLOCK, GRAM_POINTS, GRAM_TILE, WARPS

_LOGITS = "student teacher keep of_student of_teacher of_keep posterior prior of_posterior of_prior"
_NUMBERS = (
    "weight out log_sums coefficients sums upstream value pixel_weight class_weight a b c d a_norm "
    "b_norm c_norm d_norm bias own_log other_log other_factor points mass"
)
_SIZES = (
    "n_columns student_stride teacher_stride keep_stride gradient_stride groups classes pixels "
    "posterior_stride prior_stride n m width second_width point_width"
)
_FACTORS = "scale parameter alpha free dynamics representation unimix"
_TYPES = {
    **dict.fromkeys(f"{_LOGITS} logits gradient".split(), "*bf16"),
    **dict.fromkeys(_NUMBERS.split(), "*fp32"),
    **dict.fromkeys(_SIZES.split(), "i32"),
    **dict.fromkeys(_FACTORS.split(), "fp32"),
    "target": "*i64",
}


@dataclass(frozen=True)
class Build:
    """One kernel with the constants that it is compiled with."""

    kernel: Any
    constants: Mapping[str, Any]
    warps: int = WARPS

    def compile(self, capability: int) -> Resources:
        """Return what its machine code for a compute capability (80, 90) takes."""
        types = {n: _TYPES[n] for n in self.kernel.arg_names if n not in self.constants}
        return compile_kernel(
            self.kernel, types, self.constants, capability=capability, warps=self.warps
        )


_ROW = {"BLOCK": BLOCK, "ACC": tl.float32}
_STUDENT = {"OF_STUDENT": True, "OF_TEACHER": False, **_ROW}
_BOTH = {"OF_STUDENT": True, "OF_TEACHER": True, **_ROW}
_JS = {"KIND": pointwise.JS.value, "FAST": True}
_SKEW = {"KIND": pointwise.SKEW_FORWARD.value, "FAST": True}
_IMAGE = {"CLASSES": 32, "BLOCK": 128, "ACC": tl.float32}
_TILE = {k: v for k, v in GRAM_TILE.items() if k != "num_warps"}
_PAIRS = {**_TILE, "ACC": tl.float32, "SECOND": True}

BUILDS = {
    "statistics": Build(
        statistics.statistics_kernel, {"TEACHER": 1, "TARGET": True, "MOMENTS": True, **_ROW}
    ),
    "gradient": Build(gradient.gradient_kernel, {"TEACHER": 1, "TARGET": False, **_STUDENT}),
    "gradient of both": Build(gradient.gradient_kernel, {"TEACHER": 1, "TARGET": True, **_BOTH}),
    "JS sums": Build(pointwise.sums_kernel, {**_JS, **_ROW}),
    "JS gradient": Build(pointwise.sums_gradient_kernel, {**_JS, **_STUDENT}),
    "skew sums": Build(pointwise.sums_kernel, {**_SKEW, **_ROW}),
    "skew gradient": Build(pointwise.sums_gradient_kernel, {**_SKEW, **_BOTH}),
    "mixture": Build(mixture.mixture_kernel, _ROW),
    "mixture gradient": Build(mixture.mixture_gradient_kernel, _BOTH),
    "clipped": Build(clipped.kept_kernel, _ROW),
    "clipped gradient": Build(clipped.kept_gradient_kernel, {"OF_KEEP": True, **_BOTH}),
    "balanced": Build(
        balanced.balanced_kernel,
        {"GRADIENT": True, "GROUPS": 32, "CLASSES": 32, "ACC": tl.float32},
        warps=4,
    ),
    "pixels": Build(pixels.pixel_kernel, _IMAGE),
    "pixels gradient": Build(pixels.pixel_gradient_kernel, _IMAGE),
    "Gram row sums": Build(
        gram.row_log_sum_kernel, {"BIAS": True, **_PAIRS}, warps=GRAM_TILE["num_warps"]
    ),
    "Gram pull": Build(
        gram.pull_kernel, {"POINTS": GRAM_POINTS, **_PAIRS}, warps=GRAM_TILE["num_warps"]
    ),
}
