"""A claim on work: whoever creates the file first does it; a dead owner's claim is void."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from repro.files import canonical_json, explained
from repro.heartbeat import Beat, read_beat, this_process

_POLL_SECONDS = 0.2


def try_claim(path: Path, beat_path: Path | None = None) -> bool:
    """Create the claim ``path`` for this process; say whether it is ours now.

    A claim whose owner is gone is taken over. ``beat_path`` names the owner's heartbeat where there
    is one: it is younger than the claim, so it decides for owners on other hosts.
    """
    for _ in range(3):
        if _create(path):
            return True
        owner = _owner(path, beat_path)
        if owner is not None and owner.is_alive():
            return False
        _bury(path)
    return False


def release(path: Path) -> None:
    """Give the claim up."""
    path.unlink(missing_ok=True)


@contextlib.contextmanager
def claimed(path: Path) -> Iterator[None]:
    """Hold the claim ``path`` inside the block, waiting for its present owner first."""
    while not try_claim(path):
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        release(path)


def _create(path: Path) -> bool:
    """Create ``path`` with this process's identity inside; link(2) fails where it exists."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{time.monotonic_ns()}")
    with explained(path):
        temporary.write_text(canonical_json(asdict(this_process())), encoding="utf-8")
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink(missing_ok=True)
    return True


def _owner(path: Path, beat_path: Path | None) -> Beat | None:
    claim = read_beat(path)
    beat = read_beat(beat_path) if beat_path else None
    if claim and beat and (beat.host, beat.pid) == (claim.host, claim.pid):
        return beat
    return claim


def _bury(path: Path) -> None:
    """Move a dead claim away. Only one of several processes that see it succeeds."""
    grave = path.with_name(f".{path.name}.dead.{os.getpid()}.{time.monotonic_ns()}")
    with contextlib.suppress(FileNotFoundError):
        path.rename(grave)
        grave.unlink()
