"""A user's own text: one file of plain text, JSON lines, or a folder of text files."""

from __future__ import annotations

import json
from pathlib import Path

from repro.errors import UserError


def read_texts(path: Path, column: str = "text") -> list[str]:
    """Return the documents at ``path``.

    A file ``.jsonl`` has one object a line with the key ``column``; any other file is one document
    of UTF-8; a folder has one in each ``.txt`` file below it. Unreadable: ``UserError``.
    """
    if path.is_dir():
        texts = [_plain(file) for file in sorted(path.rglob("*.txt"))]
    elif path.is_file():
        texts = _lines(path, column) if path.suffix == ".jsonl" else [_plain(path)]
    else:
        raise UserError(f"{path} does not exist: name a text file, a .jsonl file or a folder")
    if not any(text.strip() for text in texts):
        raise UserError(f"{path} holds no text: a folder is searched for .txt files")
    return texts


def _plain(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 at byte {error.start}: convert it") from error


def _lines(path: Path, column: str) -> list[str]:
    texts = []
    for number, line in enumerate(_plain(path).splitlines(), start=1):
        if not line.strip():
            continue
        try:
            texts.append(str(json.loads(line)[column]))
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(
                f"{path}, line {number}: not a JSON object with the key {column!r}"
            ) from error
    return texts
