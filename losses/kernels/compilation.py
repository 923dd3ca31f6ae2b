"""Kernels compiled ahead of time, without a GPU, and what their machine code costs.

The resources are read from the cubin with the tools that come with Triton. A process that has
``TRITON_INTERPRET`` set cannot compile: the decorator has made interpreted functions by then.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

#: Pointers of Triton's type names; integers that a launch would find divisible by 16 get the hint.
_POINTER = re.compile(r"^\*")


@dataclass(frozen=True)
class Resources:
    """What one kernel takes: registers and stack bytes per thread, shared bytes per block."""

    registers: int
    stack: int
    shared: int
    #: How often each machine instruction stands in the code, modifiers included.
    instructions: Mapping[str, int]

    def count(self, pattern: str) -> int:
        """Return how many instructions match a regular expression from their start."""
        return sum(n for name, n in self.instructions.items() if re.match(pattern, name))


def compile_kernel(
    kernel: Any,
    types: Mapping[str, str],
    constants: Mapping[str, Any],
    *,
    capability: int = 90,
    warps: int = 8,
    aligned: bool = True,
) -> Resources:
    """Compile for a compute capability (80, 90) and return the resources.

    ``types``      Triton's type of each argument that is no constant: ``*bf16``, ``i32``, ``fp32``
    ``aligned``    whether pointers and integers are divisible by 16, as a launch finds them to be
    """
    names = kernel.arg_names
    signature = {name: "constexpr" if name in constants else types[name] for name in names}
    hinted = [
        index
        for index, name in enumerate(names)
        if name in types and (_POINTER.match(types[name]) or (aligned and types[name][0] == "i"))
    ]
    source = ASTSource(
        fn=kernel,
        signature=signature,
        constexprs=dict(constants),
        attrs={(index,): [["tt.divisibility", 16]] for index in hinted},
    )
    compiled = triton.compile(
        source, target=GPUTarget("cuda", capability, 32), options={"num_warps": warps}
    )
    return _resources(compiled.asm["cubin"])


def _resources(cubin: bytes) -> Resources:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.cubin"
        path.write_bytes(cubin)
        usage = _tool("cuobjdump", "--dump-resource-usage", str(path))
        code = _tool("nvdisasm", "-c", str(path))
    numbers = {name: int(value) for name, value in re.findall(r"(\w+):(\d+)", usage)}
    counted: dict[str, int] = {}
    for name in re.findall(r"^\s+/\*[0-9a-f]+\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)", code, re.M):
        counted[name] = counted.get(name, 0) + 1
    return Resources(numbers["REG"], numbers["STACK"], numbers["SHARED"], counted)


def _tool(name: str, *arguments: str) -> str:
    folder = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
    command = [str(folder / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
