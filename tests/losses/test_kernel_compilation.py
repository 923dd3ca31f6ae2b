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
from losses.kernels.builds import BUILDS

found = {}
for name, build in BUILDS.items():
    got = build.compile(int(sys.argv[1]))
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


@pytest.fixture(scope="module", params=[pytest.param(80, marks=pytest.mark.slow), 90])
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
