"""Kernels compiled for sm_80 and sm_90 without a GPU, and held to what makes them fast.

Registers spilled to the stack, scalar loads and float64 instructions are what makes kernels of this
kind several times slower, and all of it shows in the machine code. Each compilation runs in a
process without the interpreter.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PROGRAM = """
import json, sys
import triton.language as tl
from losses.kernels import (
    balanced, clipped, compilation, gradient, gram, launch, mixture, pixels, pointwise, statistics,
)

logits = "*bf16"
types = {
    **dict.fromkeys(["student", "teacher", "keep", "of_student", "of_teacher", "of_keep"], logits),
    **dict.fromkeys("posterior prior of_posterior of_prior logits gradient".split(), logits),
    **dict.fromkeys(
        "weight out log_sums coefficients sums upstream value pixel_weight class_weight a b c d "
        "a_norm b_norm c_norm d_norm bias own_log other_log other_factor points mass".split(),
        "*fp32",
    ),
    "target": "*i64",
    **dict.fromkeys(
        "n_columns student_stride teacher_stride keep_stride gradient_stride groups classes pixels "
        "posterior_stride prior_stride n m width second_width point_width".split(),
        "i32",
    ),
    **dict.fromkeys(
        "scale parameter alpha free dynamics representation unimix".split(), "fp32"
    ),
}
block = {"BLOCK": launch.BLOCK, "ACC": tl.float32}
both = {"OF_STUDENT": True, "OF_TEACHER": True}
student = {"OF_STUDENT": True, "OF_TEACHER": False}
tile = {**launch.GRAM_TILE, "ACC": tl.float32, "SECOND": True}
warps = {"balanced": 4, "Gram row sums": tile.pop("num_warps")}
warps["Gram pull"] = warps["Gram row sums"]
kernels = {
    "statistics": (
        statistics.statistics_kernel,
        {"TEACHER": 1, "TARGET": True, "MOMENTS": True, **block},
    ),
    "gradient": (gradient.gradient_kernel, {"TEACHER": 1, "TARGET": False, **student, **block}),
    "gradient of both": (gradient.gradient_kernel, {"TEACHER": 1, "TARGET": True, **both, **block}),
    "JS sums": (pointwise.sums_kernel, {"KIND": 0, "FAST": True, **block}),
    "JS gradient": (pointwise.sums_gradient_kernel, {"KIND": 0, "FAST": True, **student, **block}),
    "skew sums": (pointwise.sums_kernel, {"KIND": 1, "FAST": True, **block}),
    "skew gradient": (pointwise.sums_gradient_kernel, {"KIND": 1, "FAST": True, **both, **block}),
    "mixture": (mixture.mixture_kernel, block),
    "mixture gradient": (mixture.mixture_gradient_kernel, {**both, **block}),
    "clipped": (clipped.kept_kernel, block),
    "clipped gradient": (
        clipped.kept_gradient_kernel, {**both, "OF_KEEP": True, **block},
    ),
    "balanced": (
        balanced.balanced_kernel,
        {"GRADIENT": True, "GROUPS": 32, "CLASSES": 32, "ACC": tl.float32},
    ),
    "pixels": (pixels.pixel_kernel, {"CLASSES": 32, "BLOCK": 128, "ACC": tl.float32}),
    "pixels gradient": (
        pixels.pixel_gradient_kernel, {"CLASSES": 32, "BLOCK": 128, "ACC": tl.float32},
    ),
    "Gram row sums": (gram.row_log_sum_kernel, {**tile, "BIAS": True}),
    "Gram pull": (gram.pull_kernel, {**tile, "POINTS": launch.GRAM_POINTS}),
}
found = {}
for name, (kernel, constants) in kernels.items():
    own = {key: types[key] for key in kernel.arg_names if key not in constants}
    got = compilation.compile_kernel(
        kernel, own, constants, capability=int(sys.argv[1]), warps=warps.get(name, launch.WARPS)
    )
    found[name] = {
        "registers": got.registers,
        "stack": got.stack,
        "spills": got.count(r"(LDL|STL)"),
        "double": got.count(r"D(ADD|MUL|FMA|SETP)"),
        "wide loads": got.count(r"(LDG|LDGSTS)\\S*\\.128"),
        "wide stores": got.count(r"STG\\S*\\.128"),
        "special": got.count("MUFU"),
        "instructions": sum(got.instructions.values()),
    }
print(json.dumps(found))
"""

#: Kernels that read or write rows of bf16 logits: 128 bits at once in the body of a row.
ROWS = {
    "statistics": (True, False),
    "gradient": (True, True),
    "gradient of both": (True, True),
    "JS sums": (True, False),
    "JS gradient": (True, True),
    "skew sums": (True, False),
    "skew gradient": (True, True),
    "mixture": (True, False),
    "mixture gradient": (True, True),
    "clipped": (True, False),
    "clipped gradient": (True, True),
}

#: Most registers per thread: 128 leave room for two blocks of 256 threads at once.
REGISTERS = 128


@pytest.fixture(scope="module", params=[80, 90])
def compiled(request):
    pytest.importorskip("triton")
    environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(request.param)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_nothing_spills(compiled):
    spilled = {
        name: found
        for name, found in compiled.items()
        if found["stack"] or found["spills"] or found["registers"] > REGISTERS
    }
    assert spilled == {}


def test_nothing_is_computed_in_float64(compiled):
    assert {name for name, found in compiled.items() if found["double"]} == set()


def test_rows_are_read_and_written_128_bits_at_once(compiled):
    for name, (reads, writes) in ROWS.items():
        assert (compiled[name]["wide loads"] > 0) is reads, name
        assert (compiled[name]["wide stores"] > 0) is writes, name


def test_transcendentals_are_single_instructions(compiled):
    # Two blocks of code (body and tail), 8 elements a thread: exp₂ twice and one log₂ per pair, …
    assert compiled["JS sums"]["special"] <= 2 * 8 * 3
    # … and beside these a handful per row.
    assert compiled["statistics"]["special"] <= 2 * 8 * 2 + 12
    assert compiled["gradient"]["special"] <= 2 * 8 * 2 + 2
