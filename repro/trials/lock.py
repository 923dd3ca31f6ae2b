"""A claim on work: whoever creates the file first does it; a dead owner's claim is void."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from repro.files import canonical_json, explained
from repro.trials.heartbeat import TIMEOUT, read_beat, this_process

_POLL_SECONDS = 0.2
#: A living owner's heartbeat is never that old, but for a slow file system.
_DOUBT_SECONDS = 10.0


def try_claim(path: Path, beat_path: Path | None = None) -> bool:
    """Create the claim ``path`` for this process; say whether it is ours now.

    A claim whose owner is gone is taken over. ``beat_path`` names the owner's heartbeat where there
    is one: it is younger than the claim, so it decides for owners on other hosts.
    """
    if _create(path):
        return True
    if is_held(path, beat_path):
        return False
    with _guarded(path):
        # Another process may have taken the dead claim over while this one waited for the guard.
        if is_held(path, beat_path):
            return False
        path.unlink(missing_ok=True)
        return _create(path)


def release(path: Path) -> None:
    """Give this process's claim up; leave anybody else's alone."""
    if is_ours(path):
        path.unlink(missing_ok=True)


def is_ours(path: Path) -> bool:
    """Say whether the claim ``path`` is this process's: one that seemed dead may have lost it."""
    claim, mine = read_beat(path), this_process()
    return claim is not None and (claim.host, claim.pid) == (mine.host, mine.pid)


@contextlib.contextmanager
def claimed(path: Path, beat_path: Path | None = None) -> Iterator[None]:
    """Hold the claim ``path`` inside the block, waiting for its present owner first."""
    while not try_claim(path, beat_path):
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


def is_held(path: Path, beat_path: Path | None = None) -> bool:
    """Say whether the claim ``path`` has an owner that is alive; ``beat_path`` as above.

    A process that has died still holds it while its parent, which knows why, writes that down.
    """
    claim = read_beat(path)
    if claim is None:
        return path.exists() and not _is_unreadable_for_long(path)
    beat = read_beat(beat_path) if beat_path else None
    if beat and (beat.host, beat.pid) == (claim.host, claim.pid):
        claim = beat
    return claim.is_alive() or claim.is_unreaped()


def is_doubtful(path: Path, beat_path: Path) -> bool:
    """Say whether the owner of the claim ``path`` is on another host and has been silent a while.

    It may be dead: whoever waits will know after ``TIMEOUT``.
    """
    claim = read_beat(path)
    if claim is None or claim.host == this_process().host:
        return False
    beat = read_beat(beat_path)
    heard = beat.time if beat and (beat.host, beat.pid) == (claim.host, claim.pid) else claim.time
    return time.time() - heard > _DOUBT_SECONDS


def void_if_silent(path: Path, beat_path: Path) -> None:
    """Void a claim whose owner is known to have ended, unless it was heard a moment ago.

    It spares whoever waits ``TIMEOUT``. An owner that lives after all finds its claim gone, and
    writes no result.
    """
    with _guarded(path):
        if is_doubtful(path, beat_path):
            path.unlink(missing_ok=True)


def _is_unreadable_for_long(path: Path) -> bool:
    """Say whether a claim that names nobody is old: a file system may show an empty file first."""
    try:
        return time.time() - path.stat().st_mtime > TIMEOUT
    except FileNotFoundError:
        return True


@contextlib.contextmanager
def _guarded(path: Path) -> Iterator[None]:
    """Let one process at a time take over a dead claim. The guard's file stays."""
    with path.with_name(f".{path.name}.guard").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        yield
