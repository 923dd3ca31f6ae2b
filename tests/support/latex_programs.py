"""Real LaTeX in tests: a source compiled, and the text of a PDF."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from programs import require

HINT = "make system-packages"


def require_latex() -> str:
    return require("latex", "pdflatex", hint=HINT)


def pdf_text(path: Path) -> str:
    """Return the text of a PDF, laid out as on its pages."""
    program = require("latex", "pdftotext", hint=HINT)
    command = [program, "-layout", str(path), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def compiled_text(source: str, files: Mapping[str, bytes], folder: Path) -> str:
    """Compile ``source`` in ``folder``, with ``files`` beside it; return the PDF's text.

    ``CalledProcessError`` where LaTeX stops with an error.
    """
    program = require_latex()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "paper.tex").write_text(source)
    command = [program, "-interaction=batchmode", "-halt-on-error", "paper.tex"]
    subprocess.run(command, cwd=folder, capture_output=True, check=True)
    return pdf_text(folder / "paper.pdf")


def too_wide(log: bytes) -> list[str]:
    """Return the boxes that are wider than their place by more than 5 points."""
    found = re.findall(r"Overfull \\hbox \((\d+\.?\d*)pt too wide\)[^\n]*", log.decode("latin-1"))
    return [width for width in found if float(width) > 5]
