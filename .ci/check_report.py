"""Check that a report is whole: every file, every cell finished, a verdict per claim."""

from __future__ import annotations

import json
import sys
from pathlib import Path

FILES = ("report.html", "table.md", "table.tex", "macros.tex", "verdicts.json", "trials.parquet")


def main(report: Path) -> None:
    """Exit with a message for the first thing that is missing."""
    for name in FILES:
        if not (report / name).is_file() or not (report / name).stat().st_size:
            sys.exit(f"{report / name} is missing or empty")
    verdicts = json.loads((report / "verdicts.json").read_text(encoding="utf-8"))
    unfinished = [c["address"] for c in verdicts["cells"] if c["finished"] != c["planned"]]
    if unfinished:
        sys.exit(f"unfinished cells: {', '.join(unfinished[:5])}")
    known = {"supported", "contradicted", "undecided"}
    wrong = [c["id"] for c in verdicts["claims"] if c["verdict"] not in known]
    if wrong or not verdicts["claims"]:
        sys.exit(f"claims without a verdict: {wrong or 'all'}")
    figures = sorted(path.stem for path in (report / "figures").glob("*.pdf"))
    if not figures:
        sys.exit("no figures were drawn")
    print(
        f"Report is whole: {len(verdicts['cells'])} cells, {len(verdicts['claims'])} claims, "
        f"figures {', '.join(figures)}."
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
