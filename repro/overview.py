"""The verb `list`: every paper with its scales and what its reports say."""

from __future__ import annotations

from pathlib import Path

from tabulate import tabulate

from repro.errors import UserError
from repro.files import read_json
from repro.paths import ResultPaths
from repro.spec import available_papers, load_spec


def overview(results: Path) -> str:
    """Return a table of the papers that have a spec, and what is wrong with the other specs."""
    rows, mistakes = [], []
    for paper in available_papers():
        try:
            spec = load_spec(paper)
        except UserError as error:
            mistakes.append(f"{paper}: {error}")
            continue
        for scale, entry in spec.scales.items():
            stored = read_json(
                ResultPaths(results, paper, scale).report(partial=False) / "verdicts.json"
            )
            sentence = stored.get("headline", "") if stored else "not run yet"
            size = f"{len(entry.datasets)} data sets, {entry.seeds} seeds"
            rows.append([paper, spec.title, scale, size, sentence])
    headers = ["paper", "title", "scale", "size", "last report"]
    widths = [None, 34, None, 14, 40]
    table = tabulate(rows, headers=headers, tablefmt="simple", maxcolwidths=widths)
    return "\n\n".join([table, *mistakes])
