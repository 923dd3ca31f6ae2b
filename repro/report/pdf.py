"""Compiling the report's LaTeX source, where there is a LaTeX; its absence breaks nothing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

PROGRAM = "pdflatex"
#: What Debian and Ubuntu call the packages that the report needs.
PACKAGES = "texlive-latex-recommended texlive-latex-extra texlive-science lmodern"

_SECONDS = 120
#: Cross-references and the widths of long tables settle in two runs, at the most in four.
_RUNS = 4
_AGAIN = re.compile(rb"Rerun (?:to get|LaTeX)|There were undefined references")
_MISSING = re.compile(rb"File `([^']+\.(?:sty|cls|def))' not found")

PdfState = Literal["made", "no LaTeX", "error"]


@dataclass(frozen=True)
class Compiled:
    """What became of a LaTeX source.

    ``note``  one line on what is missing and what to do; empty where the PDF was made
    ``log``   LaTeX's own account of the last run; empty where there was none
    """

    state: PdfState
    pdf: bytes = b""
    note: str = ""
    log: bytes = b""


def has_latex() -> bool:
    """Say whether this machine can make a PDF of a report."""
    return shutil.which(PROGRAM) is not None


def compile_pdf(source: str, files: Mapping[str, bytes], name: str = "report") -> Compiled:
    """Return the PDF of ``source``, a LaTeX document that finds ``files`` beside it.

    The same input gives the same bytes: no date and no path enters the file. Nothing that the
    source says can start a program.
    """
    if not has_latex():
        return Compiled(
            "no LaTeX",
            note=f"No {name}.pdf: there is no {PROGRAM} here. {name}.tex is written; to typeset "
            f"it, install TeX Live (Debian, Ubuntu: apt-get install {PACKAGES}) and make the "
            f"report again.",
        )
    with tempfile.TemporaryDirectory(prefix="klaim-latex-") as folder:
        return _compile(source, files, name, Path(folder))


def _compile(source: str, files: Mapping[str, bytes], name: str, folder: Path) -> Compiled:
    (folder / f"{name}.tex").write_text(source, encoding="utf-8")
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    log_path = folder / f"{name}.log"
    for _ in range(_RUNS):
        finished = _run(name, folder)
        log = log_path.read_bytes() if log_path.is_file() else b""
        if not finished:
            return Compiled("error", note=_advice(name, log), log=log or b"no log was written\n")
        if not _AGAIN.search(log):
            break
    return Compiled("made", pdf=(folder / f"{name}.pdf").read_bytes(), log=log)


def _run(name: str, folder: Path) -> bool:
    """Run LaTeX once; say whether it ended well."""
    options = ["-no-shell-escape", "-interaction=batchmode", "-halt-on-error"]
    try:
        run = subprocess.run(
            [PROGRAM, *options, f"{name}.tex"],
            cwd=folder,
            env=os.environ | _ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return run.returncode == 0 and (folder / f"{name}.pdf").is_file()


#: No clock in the PDF, no file written outside the folder, no line of the log cut in two.
_ENVIRONMENT = {
    "SOURCE_DATE_EPOCH": "0",
    "FORCE_SOURCE_DATE": "1",
    "openout_any": "p",
    "max_print_line": "1000",
}


def _advice(name: str, log: bytes) -> str:
    missing = _MISSING.search(log)
    if missing:
        return (
            f"No {name}.pdf: LaTeX lacks {missing[1].decode(errors='replace')}. Install it "
            f"(Debian, Ubuntu: apt-get install {PACKAGES}) and make the report again."
        )
    return f"No {name}.pdf: LaTeX could not typeset {name}.tex; its account is in {name}.log."
