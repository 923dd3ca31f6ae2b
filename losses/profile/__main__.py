"""``python -m losses.profile [page]``: measure and write record and page, or the page alone."""

from __future__ import annotations

import argparse
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from losses.profile import record as records
from losses.profile.machine import clocks, describe, require_gpu
from losses.profile.page import page
from repro.errors import EXIT_USER_ERROR, UserError
from repro.files import write_text


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    path = options.folder / "profile.json"
    try:
        if options.what == "measure":
            require_gpu()
            records.write(
                path, measure_all(options.tokens, options.vocabulary, options.repetitions)
            )
        write_pages(options.folder)
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_USER_ERROR
    print(f"{options.folder / 'profile.md'}")
    return 0


def write_pages(folder: Path) -> None:
    """Write page, tables and figures from the record in ``folder``, or the page that has none."""
    found = records.read(folder / "profile.json")
    drawn = found is not None and find_spec("matplotlib") is not None
    if found is not None:
        from losses.profile import figures, tables

        write_text(folder / "profile.tex", tables.latex(found))
        if drawn:
            figures.draw(found, folder / "profile")
    write_text(folder / "profile.md", page(found, figures=drawn))


def measure_all(tokens: int, vocabulary: int, repetitions: int) -> dict[str, Any]:
    """Return the record of all operations. Needs CUDA."""
    import torch

    from losses.kernels import launch
    from losses.profile import ceilings, measuring
    from losses.profile.clocks import Clock, EventClock, WallClock
    from losses.profile.operations import operations
    from losses.profile.peers import peers
    from losses.profile.small_operations import small_operations

    flush = 4 * torch.cuda.get_device_properties(0).L2_cache_size
    event = EventClock(flush)
    timers: dict[str, Clock] = {"event_ms": event, "wall_ms": WallClock(torch.cuda.synchronize)}
    found: dict[str, Any] = {"schema_version": records.SCHEMA_VERSION, **describe()}
    found |= {"clocks": {"before": clocks()}, "ceilings": ceilings.measure(event), "results": []}
    found |= {
        "protocol": {
            "repetitions": repetitions,
            "flush_bytes": flush,
            "seed": 0,
            "inputs": "correlated noise of scale 3 with 8 peaks per token",
            "kernels": {"BLOCK": launch.BLOCK, "WARPS": launch.WARPS, "gram": launch.GRAM_TILE},
        }
    }
    for operation in [*operations(tokens, vocabulary), *small_operations()]:
        print(f"{operation.name} …", flush=True)
        variants = measuring.variants(operation) | peers(operation.name)
        found["results"] += measuring.measure(operation, variants, "cuda", timers, repetitions)
    found["clocks"]["after"] = clocks()
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m losses.profile", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("measure", "page"), default="measure")
    parser.add_argument("--folder", type=Path, default=Path("docs"), help="record and page go here")
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--vocabulary", type=int, default=128_256)
    parser.add_argument("--repetitions", type=int, default=50)
    return parser


if __name__ == "__main__":
    sys.exit(main())
