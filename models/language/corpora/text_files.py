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
    path = existing(path)
    if path.is_dir():
        texts = [_plain(file) for file in sorted(path.rglob("*.txt"))]
    else:
        texts = _lines(path, column) if path.suffix == ".jsonl" else [_plain(path)]
    if not any(text.strip() for text in texts):
        raise UserError(f"{path} holds no text: a folder is searched for .txt files")
    return texts


def existing(path: Path) -> Path:
    """Return ``path`` with the home directory for ``~``; what does not exist: ``UserError``."""
    path = path.expanduser()
    if not path.exists():
        raise UserError(f"{path} does not exist: name a text file, a .jsonl file or a folder")
    return path


def _plain(path: Path) -> str:
    try:
        # utf-8-sig: some editors put a byte order mark before the first character.
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 at byte {error.start}: convert it") from error


def _lines(path: Path, column: str) -> list[str]:
    texts = []
    # Not splitlines: a text may hold Unicode's own line separators.
    for number, line in enumerate(_plain(path).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            text = json.loads(line)[column]
            text.encode()  # an escape may be half a character
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"{path}, line {number}: not a JSON object with a text for the key {column!r}"
            ) from error
        texts.append(text)
    return texts
