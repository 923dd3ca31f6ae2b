"""Doing something as a user without rights, where the tests run as root."""

from __future__ import annotations

import codecs
import os
import stat
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest
from checkout import ROOT

#: ``nobody``, which every system has.
NOBODY = 65534


def require_readable_checkout() -> None:
    """Skip the test where the checkout lies in a folder that is root's alone."""
    if os.geteuid() == 0 and not all(_others_may_enter(path) for path in (ROOT, *ROOT.parents)):
        pytest.skip(f"{ROOT} is closed to other users")


def as_ordinary_user(action: Callable[[], None]) -> None:
    """Run ``action`` in a child process that is ``nobody``; without root, run it as it is.

    A fork, since Python itself may lie where ``nobody`` cannot start it.
    """
    if os.geteuid() != 0:
        action()
        return
    # What Python reads late, when it may not any more.
    for encoding in ("idna", "unicode-escape"):
        codecs.lookup(encoding)
    pid = os.fork()
    if pid == 0:
        os._exit(_status_of(action))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "see the traceback above"


def _status_of(action: Callable[[], None]) -> int:
    try:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        os.chdir("/")
        action()
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _others_may_enter(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXOTH)
