"""A corpus by its name: the standard library's text, a user's file, or a published set."""

from __future__ import annotations

from pathlib import Path

from models.language.corpora.published import find_folder, load_split, texts_of
from models.language.corpora.standard_library import hash_of_library, standard_library
from models.language.corpora.text_files import existing, read_texts
from repro.data import hash_of_data

STANDARD_LIBRARY = "standard_library"
USER_FILE = "file:"


def corpus(name: str, part: str) -> list[str]:
    """Return the texts of ``train``, ``validation`` or ``test``.

    A user's file is cut by position: 80 % of its characters train, 10 % validate, 10 % test.
    """
    if name == STANDARD_LIBRARY:
        return standard_library(part)  # type: ignore[arg-type]
    if name.startswith(USER_FILE):
        return _cut(read_texts(Path(name.removeprefix(USER_FILE))), part)
    return texts_of(load_split(name, part))


def hash_of_corpus(name: str) -> str:
    """Return the hash of what a corpus holds; "" for a published set that is not on this machine.

    Such a set is known by its name alone. A user's file that is not there: ``UserError``.
    """
    if name == STANDARD_LIBRARY:
        return hash_of_library()
    if name.startswith(USER_FILE):
        return hash_of_data(existing(Path(name.removeprefix(USER_FILE))))
    folder = find_folder(name)
    return "" if folder is None else hash_of_data(folder)


def _cut(texts: list[str], part: str) -> list[str]:
    whole = "\n".join(texts)
    edges = {"train": (0, 8), "validation": (8, 9), "test": (9, 10)}
    low, high = edges[part]
    return [whole[len(whole) * low // 10 : len(whole) * high // 10]]
