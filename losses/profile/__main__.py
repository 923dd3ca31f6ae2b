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

#: The record and its page, by the device that was measured.
NAMES = {"cuda": "profile", "cpu": "profile-cpu"}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = _parser().parse_args(arguments)
    name = NAMES[options.device]
    try:
        if options.what == "measure":
            if options.device == "cuda":
                require_gpu()
            records.write(options.folder / f"{name}.json", measure_all(options))
        write_pages(options.folder, name)
    except UserError as error:
        print(error, file=sys.stderr)
        return EXIT_USER_ERROR
    print(f"{options.folder / name}.md")
    return 0


def write_pages(folder: Path, name: str = NAMES["cuda"]) -> None:
    """Write page, tables and figures from the record in ``folder``, or the page that has none."""
    found = records.read(folder / f"{name}.json")
    drawn = found is not None and find_spec("matplotlib") is not None
    if found is not None:
        from losses.profile import figures, tables

        write_text(folder / f"{name}.tex", tables.latex(found))
        if drawn:
            figures.draw(found, folder / name)
    write_text(folder / f"{name}.md", page(found, figures=name if drawn else ""))


def measure_all(options: argparse.Namespace) -> dict[str, Any]:
    """Return the record of all operations on ``options.device``."""
    import torch

    from losses.profile import measuring
    from losses.profile.compiled import compiled_ahead
    from losses.profile.peers import peers
    from losses.profile.settings import REPETITIONS, Settings

    device = options.device
    settings = Settings(device, options.repetitions or REPETITIONS[device])
    if device == "cpu":
        torch.set_num_threads(1)
    timers = settings.clocks()
    found: dict[str, Any] = {"schema_version": records.SCHEMA_VERSION, **describe(device)}
    found |= {"clocks": {"before": clocks()}, "protocol": settings.protocol(), "results": []}
    found |= {"ceilings": settings.ceilings(timers["time_ms"])}
    # On a GPU each result has the kernels that ran.
    found |= {"compiled": [] if device == "cuda" else compiled_ahead()}
    for operation in settings.operations(options.tokens, options.vocabulary):
        print(f"{operation.name} …", flush=True)
        variants = measuring.variants(operation) | (
            peers(operation.name) if device == "cuda" else {}
        )
        found["results"] += measuring.measure(
            operation, variants, device, timers, settings.repetitions
        )
    found["clocks"]["after"] = clocks()
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m losses.profile", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("measure", "page"), default="measure")
    parser.add_argument("--device", choices=tuple(NAMES), default="cuda", help="what is measured")
    parser.add_argument("--folder", type=Path, default=Path("docs"), help="record and page go here")
    parser.add_argument("--tokens", type=int, help="default: 8192, on a processor 256")
    parser.add_argument("--vocabulary", type=int, help="default: 128256, on a processor 32000")
    parser.add_argument("--repetitions", type=int, help="default: 50, on a processor 10")
    return parser


if __name__ == "__main__":
    sys.exit(main())
