"""A trial's sign of life: a small file, rewritten while the trial runs."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from repro.errors import UserError
from repro.files import read_json, write_json

#: Seconds between two beats, and after how many without one a trial on another host counts as lost.
INTERVAL = 0.5
TIMEOUT = 120.0


@dataclass(frozen=True)
class Beat:
    """Who runs a trial, how far it is, and when that was last heard (seconds since the epoch)."""

    host: str
    pid: int
    process_started: float
    time: float
    done: float = 0.0
    total: float = 0.0

    def is_alive(self) -> bool:
        """Say whether the process that wrote this beat still runs.

        On this host the process table decides, with the start time against a reused number; for
        another host the age of the beat does.
        """
        if self.host != socket.gethostname():
            return time.time() - self.time < TIMEOUT
        return _process_started(self.pid) == self.process_started

    def is_unreaped(self) -> bool:
        """Say whether the process has just ended, on this host, and another is to hear of it first.

        That is its parent, which learns why it ended; not for ever, because some reap nothing.
        """
        process = _read_process(self.pid) if self.host == socket.gethostname() else None
        if process is None or process.started != self.process_started or process.state != "Z":
            return False
        return process.parent != os.getpid() and time.time() - self.time < TIMEOUT


def this_process() -> Beat:
    """Return a beat of the calling process."""
    pid = os.getpid()
    return Beat(socket.gethostname(), pid, _process_started(pid) or 0.0, time.time())


def read_beat(path: Path) -> Beat | None:
    """Return the beat in ``path``, or ``None`` where there is none."""
    content = read_json(path)
    if content is None:
        return None
    try:
        return Beat(**content)
    except TypeError:
        return None


class Heartbeat:
    """Writes beats to ``path`` from a thread until :meth:`stop`; the file is then removed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._identity = this_process()
        self._progress = (0.0, 0.0)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Write the first beat and go on in the background."""
        self.beat()
        self._thread.start()

    def progress(self, done: float, total: float) -> None:
        """Remember how far the trial is; the next beat carries it."""
        self._progress = (done, total)

    def stop(self) -> None:
        """End the thread and remove the file."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._path.unlink(missing_ok=True)

    def beat(self) -> None:
        """Write one beat now."""
        done, total = self._progress
        beat = asdict(self._identity) | {"time": time.time(), "done": done, "total": total}
        # A beat that cannot be written must not end the trial: its result will say what is wrong.
        with contextlib.suppress(OSError, UserError):
            write_json(self._path, beat, durable=False)

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self.beat()


@contextlib.contextmanager
def beating(path: Path) -> Iterator[Heartbeat]:
    """Keep a heartbeat in ``path`` inside the block."""
    heartbeat = Heartbeat(path)
    heartbeat.start()
    try:
        yield heartbeat
    finally:
        heartbeat.stop()


@dataclass(frozen=True)
class _Process:
    """What the process table says of one process; ``started`` in clock ticks since boot."""

    state: str
    parent: int
    started: float


def _process_started(pid: int) -> float | None:
    """Return when process ``pid`` started (clock ticks since boot), or ``None`` if it is gone."""
    process = _read_process(pid)
    return None if process is None or process.state in "ZX" else process.started


def _read_process(pid: int) -> _Process | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return _Process(state=fields[0], parent=int(fields[1]), started=float(fields[19]))
