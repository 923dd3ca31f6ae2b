"""The DeepMind mathematics data set in one file for each part, to be read at any place at once.

The published archive is 2.3 GB of compressed text, questions and answers on alternate lines. It is
unpacked once into the cache; no list of its hundred million problems is ever made.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from repro.data import DataFile, cache_directory, locate
from repro.errors import UserError
from repro.files import make_directory, read_json, sha256_of_file, write_json
from tasks.archives import files_of_compressed_tar

ARCHIVE = DataFile(
    "mathematics_dataset-v1.0.tar.gz",
    ("https://storage.googleapis.com/mathematics-dataset/mathematics_dataset-v1.0.tar.gz",),
    "def638343403cb9ed60437d6b684c859dd23b72779f5cc5661b0a31e67c58576",
    "Apache 2.0, that of its generator",
    "https://github.com/google-deepmind/mathematics_dataset",
)

#: Folder of the archive → the part that its files belong to.
PARTS = {
    "train-easy": "train",
    "train-medium": "train",
    "train-hard": "train",
    "interpolate": "interpolate",
    "extrapolate": "extrapolate",
}
#: The paper leaves these modules out.
_LEFT_OUT = "probability__"
#: Set in each byte of an answer, its line's end included. The text itself is ASCII.
ANSWER = 0x80
_LINE_END = ord("\n")


class Problems(NamedTuple):
    """A part: many files end to end.

    ``text``     bytes, those of answers with the bit ``ANSWER``; read from disk where touched
    ``bounds``   (files, 2): where in ``text`` each file, of one module and difficulty, lies
    ``longest``  bytes of the longest problem: question and answer, line ends included
    """

    text: np.ndarray
    bounds: np.ndarray
    longest: int


@lru_cache(maxsize=4)
def problems(part: str) -> Problems:
    """Return a part: ``train``, ``interpolate`` or ``extrapolate``; unpacked first if need be."""
    folder = unpacked()
    index = (read_json(folder / "index.json") or {})[part]
    text = np.memmap(folder / f"{part}.bin", dtype=np.uint8, mode="r")
    return Problems(text, np.array(index["bounds"], dtype=np.int64), index["longest"])


def unpacked() -> Path:
    """Return the folder of the unpacked parts. Missing or damaged data: ``UserError``.

    Two processes that unpack at once both end with a whole folder.
    """
    archive = locate(ARCHIVE)
    key = (ARCHIVE.sha256 or sha256_of_file(archive))[:16]
    folder = make_directory(cache_directory() / "mathematics_dataset") / key
    if not (folder / "index.json").exists():
        scratch = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{key}."))
        try:
            _unpack(archive, scratch)
            _put(scratch, folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _put(scratch: Path, folder: Path) -> None:
    try:
        scratch.rename(folder)
    except OSError:
        if not (folder / "index.json").exists():
            raise


def _unpack(archive: Path, folder: Path) -> None:
    bounds: dict[str, list[tuple[int, int]]] = {part: [] for part in PARTS.values()}
    longest = dict.fromkeys(bounds, 0)
    with ExitStack() as stack:
        outputs = {
            part: stack.enter_context((folder / f"{part}.bin").open("wb")) for part in bounds
        }
        for part, place, content in _files(archive):
            marked, most = marked_answers(content, place)
            start = outputs[part].tell()
            outputs[part].write(marked.tobytes())
            bounds[part].append((start, start + len(marked)))
            longest[part] = max(longest[part], most)
    for part, files in bounds.items():
        if not files:
            raise UserError(f"{archive} has no problems of the part {part!r}; fetch it again")
    index = {part: {"bounds": bounds[part], "longest": longest[part]} for part in bounds}
    write_json(folder / "index.json", index)


def _files(archive: Path) -> Iterator[tuple[str, str, bytes]]:
    """Yield part, place for messages, and content of each file of problems."""
    for name, content in files_of_compressed_tar(archive, ".txt"):
        path = PurePosixPath(name)
        hidden = path.name.startswith(".")
        if path.parent.name in PARTS and not hidden and not path.name.startswith(_LEFT_OUT):
            yield PARTS[path.parent.name], f"{archive}, {name}", content


def marked_answers(content: bytes, place: str) -> tuple[np.ndarray, int]:
    """Return the bytes with each second line marked as an answer, and the longest problem's size.

    ``place`` names the file where its content is not what was published: ``UserError``.
    """
    text = np.frombuffer(content, dtype=np.uint8)
    ends = np.flatnonzero(text == _LINE_END)
    if not len(ends) or len(ends) % 2 or ends[-1] != len(text) - 1:
        raise UserError(f"{place} does not hold questions and answers on alternate lines")
    if text.max() >= ANSWER:
        raise UserError(f"{place} holds characters that are not ASCII")
    lengths = np.diff(ends, prepend=-1)
    marks = np.tile(np.array([0, ANSWER], dtype=np.uint8), len(ends) // 2)
    return text | np.repeat(marks, lengths), int((lengths[0::2] + lengths[1::2]).max())
