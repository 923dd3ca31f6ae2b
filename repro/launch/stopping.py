"""How a worker and its trials learn that they must stop: by signals, and why, from the cluster.

On this machine SIGTERM ends a trial where it stands. In a job of a cluster the trial is given until
its next checkpoint: SIGUSR2 says that the job's time is nearly over or that it is being preempted,
and some clusters send SIGTERM for the latter.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType

from repro.errors import Interrupted


@contextlib.contextmanager
def stops_on(*signals: signal.Signals) -> Iterator[list[signal.Signals]]:
    """Raise :class:`Interrupted` at the first of ``signals``; give the list of those that came.

    submitit's own handlers, which this replaces, ignore SIGTERM and requeue at once at SIGUSR2.
    """
    came: list[signal.Signals] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        came.append(signal.Signals(number))
        if len(came) == 1:
            raise Interrupted

    previous = {one: signal.signal(one, stop) for one in signals}
    try:
        yield came
    finally:
        for one, handler in previous.items():
            signal.signal(one, handler)


#: The signals by which a worker or a trial is told to stop.
SIGNALS = (signal.SIGTERM, signal.SIGUSR2)


def hold_signals() -> None:
    """Let the signals to stop wait: a process is being started, and must not be lost track of."""
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def release_signals() -> None:
    """Let the signals to stop come, those too that came meanwhile."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def stops_at_checkpoints() -> Callable[[], bool]:
    """Note the signals to stop; return the function that says whether one came."""
    came: list[int] = []
    for one in SIGNALS:
        signal.signal(one, lambda number, _frame: came.append(number))
    return lambda: bool(came)
