"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from repro.errors import UserError

#: The options that say where files are written.
_PLACES = "RESULTS=<dir>; OUTPUT=<file> for `export`; KLAIM_CLUSTER=<dir> for `cluster-up`"

#: Errors that the user's machine causes, and what to do about each.
_ADVICE = {
    errno.EFBIG: "the file size limit is reached: raise it (ulimit -f) and run the command again",
    errno.ENOSPC: "the disk is full: free some space and run the same command again",
    errno.EDQUOT: "the disk quota is used up: free some space and run the same command again",
    errno.EACCES: f"permission denied: choose another place ({_PLACES})",
    errno.EPERM: f"not permitted: choose another place ({_PLACES})",
    errno.EROFS: f"the file system is read-only: choose another place ({_PLACES})",
    errno.ENOENT: f"nothing can be made there: choose another place ({_PLACES})",
    errno.ENOTDIR: f"a part of the path is a file: choose another place ({_PLACES})",
    errno.EEXIST: f"a file stands where a folder is needed: choose another place ({_PLACES})",
}


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` that the user can mend into a ``UserError`` that names ``path``."""
    try:
        yield
    except OSError as error:
        advice = _ADVICE.get(error.errno or 0)
        if advice is None:
            raise
        raise UserError(f"cannot write {error.filename or path}: {advice}") from error


def make_directory(path: Path) -> Path:
    """Create ``path`` and its parents; return it. A place that cannot be written: ``UserError``."""
    with explained(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


def check_writable(folder: Path) -> None:
    """Raise ``UserError`` where ``folder`` cannot be made or written."""
    make_directory(folder)
    probe = folder / f".writable-{os.getpid()}"
    write_text(probe, "probe")
    probe.unlink()


def write_bytes(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Write ``content`` under a temporary name, then move it to ``path``.

    ``durable`` waits until the bytes are on disk, so that even a power cut leaves a whole file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    with explained(path):
        try:
            with temporary.open("xb") as stream:
                stream.write(content)
                if durable:
                    stream.flush()
                    os.fsync(stream.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def write_text(path: Path, content: str) -> None:
    """Write ``content`` as UTF-8, whole or not at all."""
    write_bytes(path, content.encode())


def write_json(path: Path, content: Mapping[str, Any], *, durable: bool = True) -> None:
    """Write ``content`` as indented JSON, whole or not at all. NaN and infinity stay."""
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"
    write_bytes(path, text.encode(), durable=durable)


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the JSON object in ``path``, or ``None`` where there is no file or no valid JSON."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    return content if isinstance(content, dict) else None


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the JSON objects in ``path``, one per line; a last line cut short is left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    records = []
    for line in lines:
        with contextlib.suppress(json.JSONDecodeError):
            records.append(json.loads(line))
    return records


def write_json_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    """Write ``lines`` as JSON, one per line, whole or not at all."""
    write_text(path, "".join(json.dumps(line) + "\n" for line in lines))


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_path(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder's files and their names below it."""
    if path.is_file():
        return sha256_of_file(path)
    files = sorted(entry for entry in path.rglob("*") if entry.is_file())
    return sha256_of_json([[p.relative_to(path).as_posix(), sha256_of_file(p)] for p in files])


def canonical_json(content: Any) -> str:
    """Return the one JSON text for ``content``: sorted keys, no spaces."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def sha256_of_json(content: Any) -> str:
    """Return the SHA-256 of the canonical JSON of ``content``, in hexadecimal."""
    return hashlib.sha256(canonical_json(content).encode()).hexdigest()
