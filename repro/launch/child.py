"""One trial in a process of its own: forked from its worker or fresh. Its exit status tells how."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from repro.errors import Interrupted, UserError
from repro.execution.single import Outcome, RunOrder
from repro.execution.together import run_together
from repro.launch.stopping import release_signals, stops_at_checkpoints
from repro.trials.store import TrialFolder

_PR_SET_PDEATHSIG = 1

#: Exit statuses of a trial's process, beside those of signals. ``disk``: see the trial's log.
_STATUS: dict[Outcome | str, int] = {
    "done": 0,
    "failed": 0,
    "skipped": 0,
    "superseded": 0,
    "again": 20,
    "claimed": 21,
    "interrupted": 22,
    "disk": 23,
}


@dataclass(frozen=True)
class ChildOrder:
    """What a trial's process is to do: see :class:`repro.execution.single.RunOrder`.

    ``gently``    a signal to stop waits for the next checkpoint
    ``together``  orders of trials that run together with this one
    """

    folder: str
    replaced: str
    earlier: str
    gently: bool
    together: tuple[ChildOrder, ...] = ()

    def to_text(self) -> str:
        """Return the order as one argument of a command line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> ChildOrder:
        """Return the order that :meth:`to_text` wrote."""
        content = json.loads(text)
        return cls(**content | {"together": tuple(cls(**one) for one in content["together"])})


@dataclass(frozen=True)
class Ending:
    """How a trial's process ended: its outcome, or what killed it."""

    outcome: str
    killed_by: str = ""


def fork(order: ChildOrder) -> int:
    """Start the trial in a copy of this process that dies with it; return its process number.

    Signals to stop are held (see ``repro.launch.stopping``) until the trial knows what to do then.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    # Leave at once in any case: the worker's clean-up code in this copy of it must not run.
    status = 1
    try:
        _die_with(parent)
        _redirect_output(TrialFolder(Path(order.folder)).log)
        status = run(order)
    finally:
        _leave(status)


def spawn(order: ChildOrder) -> int:
    """Start the trial in a fresh process that dies with this one; return its process number."""
    command = [sys.executable, "-m", "repro.launch.single", order.to_text(), str(os.getpid())]
    log = TrialFolder(Path(order.folder)).log
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    outputs = [(os.POSIX_SPAWN_OPEN, 1, log, append, 0o644), (os.POSIX_SPAWN_DUP2, 1, 2)]
    return os.posix_spawn(sys.executable, command, os.environ, file_actions=outputs)


def run_alone(order: ChildOrder, parent: int) -> NoReturn:
    """Run the trial in this fresh process, which its worker ``parent`` has started."""
    _die_with(parent)
    if not order.gently:
        signal.signal(signal.SIGTERM, _end)
    _leave(run(order))


def run(order: ChildOrder) -> int:
    """Run the trial here; return the exit status that tells its worker how it ended."""
    should_stop = stops_at_checkpoints() if order.gently else lambda: False
    release_signals()
    everything = (order, *order.together)
    folders = [TrialFolder(Path(one.folder)) for one in everything]
    how = [
        RunOrder(replaced=one.replaced, should_stop=should_stop, earlier=one.earlier)
        for one in everything
    ]
    try:
        # Of several, the one that asks for most: what has ended is skipped at the next turn.
        return max(_STATUS[outcome] for outcome in run_together(folders, how))
    except UserError as problem:
        with contextlib.suppress(OSError):  # its log may be on the same full disk
            print(problem, file=sys.stderr, flush=True)
        return _STATUS["disk"]


def ending_of(ended: os.waitid_result) -> Ending:
    """Return what the system tells of the end of a trial's process."""
    code = ended.si_status
    if ended.si_code != os.CLD_EXITED:
        name = signal.Signals(code).name
        hint = " (out of memory, or by hand)" if name == "SIGKILL" else ""
        return Ending("killed", f"{name}{hint}")
    for outcome, known in _STATUS.items():
        if code == known:
            return Ending("ended" if code == 0 else str(outcome))
    return Ending("killed", f"its own exit with status {code}")


def _leave(status: int) -> NoReturn:
    """End this process now, whatever becomes of its last words."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _end(_number: int, _frame: object) -> NoReturn:
    raise Interrupted


def _die_with(parent: int) -> None:
    """Ask the kernel to kill this process when its worker dies (Linux)."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _redirect_output(log: Path) -> None:
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    os.close(handle)
