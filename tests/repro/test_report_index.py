"""The page over all papers: made from the reports' files alone."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from repro.report.index import entries, write_index


def write_report(results: Path, paper: str, scale: str, **changes: Any) -> Path:
    folder = results / paper / scale / "report"
    folder.mkdir(parents=True)
    content = {
        "title": f"On {paper} <b>",
        "headline": f"At {scale} scale: of the paper's one claim 1 is supported.",
        "banner": f"{scale} scale · 5 seeds · CPU",
        "claims": [
            {"verdict": "supported", "ours": False},
            {"verdict": "undecided", "ours": True},
        ],
    }
    (folder / "verdicts.json").write_text(json.dumps(content | changes))
    (folder / "report.html").write_text("<p>A report.</p>")
    return folder


def links(page: str) -> list[str]:
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(str(value) for name, value in attrs if tag == "a" and name == "href")

    Reader().feed(page)
    return found


def test_every_report_has_a_line_by_paper_and_scale(tmp_path: Path) -> None:
    for scale in ("paper", "small", "smoke"):
        write_report(tmp_path, "b_paper", scale)
    (write_report(tmp_path, "a_paper", "small") / "report.pdf").write_bytes(b"%PDF")
    found = list(entries(tmp_path))
    assert [(e.paper, e.scale) for e in found] == [
        ("a_paper", "small"),
        ("b_paper", "smoke"),
        ("b_paper", "small"),
        ("b_paper", "paper"),
    ]
    page = write_index(tmp_path).read_text()
    assert page.count("1 supported") == 4
    assert "1 undecided" not in page  # that claim is our own control
    assert "On b_paper &lt;b&gt;" in page
    assert [link for link in links(page) if not (tmp_path / link).is_file()] == []
    assert len(links(page)) == 5


def test_a_damaged_or_a_headless_report_has_no_line(tmp_path: Path) -> None:
    folder = write_report(tmp_path, "a_paper", "small")
    (folder / "verdicts.json").write_text("{")
    (write_report(tmp_path, "b_paper", "small") / "report.html").unlink()
    assert list(entries(tmp_path)) == []
    assert "There is no report yet" in write_index(tmp_path).read_text()


def test_a_report_of_an_older_kind_still_has_its_line(tmp_path: Path) -> None:
    folder = write_report(tmp_path, "a_paper", "small")
    (folder / "verdicts.json").write_text('{"headline": "Something."}')
    (found,) = entries(tmp_path)
    assert (found.title, found.headline, found.counts) == ("a_paper", "Something.", ())
