"""Copying a folder so that a reader never sees half of it, and a kill leaves nothing that counts.

Everything is first copied to a folder beside the target and forced to disk. Where there is no
target yet, one rename puts it in place. Over an existing folder, the file that says "done" goes
first and comes back last, so that what lies between never counts as finished.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from repro.files import explained, make_directory, read_json_lines
from repro.merge.outcome import Action

#: Where the copy on its way lies, beside its target. Merges take turns, so one is enough.
STAGING = ".merging"

_CHUNK = 1 << 20


class UnusableError(Exception):
    """A brought folder that is not to be merged: what becomes of it, and why."""

    def __init__(self, action: Action, reason: str) -> None:
        super().__init__(reason)
        self.action: Action = action
        self.reason = reason


@contextlib.contextmanager
def staged(source: Path, parent: Path, left_out: Collection[str]) -> Iterator[Path]:
    """Give a copy of ``source`` in a folder of its own in ``parent``, removed at the end.

    ``left_out`` and hidden names right below ``source`` are not copied. A file that cannot be read:
    ``UnusableError``; a place that cannot be written: ``UserError``.
    """
    target = parent / STAGING
    shutil.rmtree(target, ignore_errors=True)
    try:
        make_directory(target)
        for entry in _entries(source):
            if entry.name not in left_out and not entry.name.startswith("."):
                _copy(entry, target / entry.name)
        _sync(target)
        yield target
    finally:
        shutil.rmtree(target, ignore_errors=True)


def install_new(copy: Path, target: Path) -> bool:
    """Rename ``copy`` to ``target``; say whether that was possible: somebody may have made it."""
    with explained(target):
        try:
            copy.rename(target)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                return False
            raise
        _sync(target.parent)
    return True


def install_over(copy: Path, target: Path, last: str, stays: Collection[str]) -> None:
    """Replace what is in ``target`` by what is in ``copy``, the file ``last`` at the end.

    ``stays``  names in ``target`` that are neither replaced nor removed, and so are claims' own
    files. The caller holds the target's claim and has removed the file that says "done".
    """
    names = {entry.name for entry in copy.iterdir()}
    with explained(target):
        for entry in target.iterdir():
            replaced = entry.name in names and not entry.is_dir()
            if not replaced and entry.name not in stays and not entry.name.startswith(".claim"):
                _remove(entry)
        for name in sorted(names - {last}):
            (copy / name).replace(target / name)
        _sync(target)
        (copy / last).replace(target / last)
        _sync(target)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects in ``path``; ``UnusableError`` where it holds anything else."""
    try:
        lines = read_json_lines(path)
    except UnicodeDecodeError as error:
        raise UnusableError("damaged", f"{path.name} is no text") from error
    if not all(isinstance(line, dict) for line in lines):
        raise UnusableError("damaged", f"{path.name} is not what this harness writes")
    return lines


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise UnusableError(
            "damaged", f"{folder.name} cannot be read ({error.strerror})"
        ) from error


def _copy(source: Path, target: Path) -> None:
    if source.is_symlink() or not (source.is_file() or source.is_dir()):
        raise UnusableError(
            "refused", f"{source.name} is a link or a device: copy the files themselves (rsync -L)"
        )
    if source.is_dir():
        with explained(target):
            target.mkdir()
        for entry in _entries(source):
            _copy(entry, target / entry.name)
        _sync(target)
        return
    with explained(target), target.open("xb") as stream:
        for chunk in _chunks(source):
            stream.write(chunk)
        stream.flush()
        os.fsync(stream.fileno())


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise UnusableError("damaged", f"{path.name} cannot be read ({error.strerror})") from error


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _sync(folder: Path) -> None:
    """Force a folder's list of names to disk: a file's bytes alone do not survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
