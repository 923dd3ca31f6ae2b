"""The page of the profile, docs/profile.md, from the record; without one, "not yet measured"."""

from __future__ import annotations

from typing import Any

from losses.profile import tables
from losses.profile.goals import goals

_INTRODUCTION = """\
# Profile of the losses

`make profile` times the losses of `losses/` on a GPU, beside eager PyTorch, `torch.compile` and,
where it is installed, Liger-Kernel. It writes the record `docs/profile.json` and this page. On a
machine with its own torch and Triton (3.6 or newer): `SETUP=0 PYTHON=python3 make profile`.
`make profile DEVICE=cpu` does the same on one thread of a processor, in smaller sizes, as
`docs/profile-cpu.json` and `docs/profile-cpu.md`. A paper's report shows the part of the records
that belongs to the losses which its sources import.

"""

_NOT_YET = """\
**Not yet measured.** No GPU has been available to this repository's record. Nothing on this page is
an estimate: numbers appear here when `make profile` has measured them.

What holds without a GPU is tested: every kernel against its definition in Triton's interpreter, and
its machine code for sm_80 and sm_90 (no spills, 128-bit loads and stores, no float64). `make bench`
measures the CPU implementations.

"""

_PROTOCOL = """\
## How it is measured

- All variants of an operation take turns in one process, so that drift hits all of them alike. A
  GPU's L2 cache is overwritten before each call. A difference below the spread of equals (the
  record's `spread_of_equals`) is noise.
- Three clocks: CUDA events around a call (the headline, a median with its 95 % bootstrap interval),
  the sum of its kernels by the profiler, and the wall time with synchronisation. On a processor the
  headline is the processor time of the one thread.
- Four modes: forward; forward and gradient; the same with an upstream gradient that is not 1; and
  the backward pass alone, the forward pass being made anew, untimed, before each call. A loss that
  makes its gradient in the forward pass only scales it there.
- The ceilings, a copy and a product of matrices, are measured in the same run. A fraction
  of the copy rate counts the bytes that the fused scheme must move, for every variant alike.
- Logits are correlated noise with a few peaks per token. Inputs are leaves, gradients are cleared
  before each call.
- The roofline counts ten operations per byte for a sweep over logits (some twenty machine
  instructions for a bfloat16 value), and the least products for losses from hidden states.
- Memory is the peak beyond inputs. The error is that of the first 64 tokens' gradient against the
  eager code in float64.
- Registers and spills are what Triton says of the kernels that ran. Without a GPU they are those of
  the kernels compiled for sm_80 and sm_90.
- Clocks are read before and after, never set.
"""


def page(record: dict[str, Any] | None, figures: str = "profile") -> str:
    """Return the page. ``figures``: the folder beside it where they are; empty without any."""
    if record is None:
        return _INTRODUCTION + _NOT_YET + _PROTOCOL
    pictures = (
        f"![Roofline]({figures}/roofline.svg)\n\n![Part of the copy rate]({figures}/copy_rate.svg)"
        "\n\n"
        if figures
        else "Figures need matplotlib: `make profile-page` draws them where it is installed.\n\n"
    )
    results = f"## Results\n\n{pictures}{tables.markdown(record)}\n"
    return (
        _INTRODUCTION + _machine(record) + _goals(record) + results + _kernels(record) + _PROTOCOL
    )


def _machine(record: dict[str, Any]) -> str:
    device, software, git = (record[key] for key in ("device", "software", "git"))
    versions = ", ".join(f"{name} {found}" for name, found in software.items() if found)
    sha = (git["sha"] or "unknown")[:12] + (" with changes" if git["dirty"] else "")
    copy, product = (record["ceilings"][k] for k in ("copy_tb_per_s", "product_tflop_per_s"))
    kind = f"CUDA {device['cuda']}" if device["type"] == "cuda" else "CPU, one thread"
    return (
        f"Measured on {record['timestamp']}: {device['name']} ({kind}), {versions}; commit {sha}. "
        f"Clock: {record['protocol']['clock']}. Ceilings of that run: copy {copy:.3g} TB/s, "
        f"products {product:.3g} TFLOP/s.\n\n"
    )


def _goals(record: dict[str, Any]) -> str:
    if record["device"]["type"] != "cuda":
        return ""
    words = {True: "met", False: "**not met**", None: "not measured"}
    lines = [f"| {goal.text} | {goal.reached} | {words[goal.met]} |\n" for goal in goals(record)]
    head = "| Goal (set for an H200 at 8192 × 128256, bfloat16) | Reached | |\n|---|---:|---|\n"
    return f"## Goals\n\n{head}{''.join(lines)}\n"


def _kernels(record: dict[str, Any]) -> str:
    table = tables.compiled_kernels(record)
    return f"## Kernels\n\n{table}\n" if table else ""
