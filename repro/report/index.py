"""One page over all papers: what each report says, read from the reports' own files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repro.files import make_directory, read_json, write_bytes
from repro.report import wording
from repro.spec import available_papers

#: The order in which verdicts are counted.
_VERDICTS = ("supported", "contradicted", "undecided", "not decided")
_SCALES = ("smoke", "small", "paper")


@dataclass(frozen=True)
class IndexEntry:
    """One report: ``link`` is relative to the index; ``counts`` are of the paper's own claims."""

    paper: str
    title: str
    scale: str
    headline: str
    banner: str
    built: str
    link: str
    pdf: str
    counts: tuple[tuple[str, str, int], ...]


def write_index(results: Path) -> Path:
    """Write ``index.html`` over the reports below ``results``; return its path.

    Only files are read: a report whose ``verdicts.json`` is missing or damaged has no line.
    """
    from repro.report.page import page_environment

    template = page_environment().get_template("index.html")
    found = list(entries(results))
    without = sorted(set(available_papers()) - {entry.paper for entry in found})
    page = template.render(entries=found, without=without, wording=wording)
    path = make_directory(results) / "index.html"
    write_bytes(path, page.encode(), durable=False)
    return path


def entries(results: Path) -> Iterator[IndexEntry]:
    """Yield what there is, by paper and from the smallest scale to the paper's own."""
    found = [path.relative_to(results).parts for path in results.glob("*/*/report/verdicts.json")]
    for paper, scale, *_ in sorted(found, key=lambda parts: (parts[0], _rank(parts[1]), parts[1])):
        folder = results / paper / scale / "report"
        content = read_json(folder / "verdicts.json")
        if content is not None and (folder / "report.html").is_file():
            yield _entry(folder, f"{paper}/{scale}/report", content)


def _rank(scale: str) -> int:
    return _SCALES.index(scale) if scale in _SCALES else len(_SCALES)


def _entry(folder: Path, place: str, content: dict[str, Any]) -> IndexEntry:
    built = datetime.fromtimestamp((folder / "verdicts.json").stat().st_mtime, UTC)
    paper, scale, _ = place.split("/")
    return IndexEntry(
        paper=paper,
        title=str(content.get("title") or paper),
        scale=scale,
        headline=str(content.get("headline", "")),
        banner=str(content.get("banner", "")),
        built=built.strftime("%Y-%m-%d %H:%M UTC"),
        link=f"{place}/report.html",
        pdf=f"{place}/report.pdf" if (folder / "report.pdf").is_file() else "",
        counts=tuple(_counts(content)),
    )


def _counts(content: dict[str, Any]) -> Iterator[tuple[str, str, int]]:
    claims = [claim for claim in content.get("claims", []) if not claim.get("ours")]
    counted = Counter(claim.get("verdict") for claim in claims)
    for word in _VERDICTS:
        if counted[word]:
            yield wording.SYMBOLS[word], word, counted[word]
