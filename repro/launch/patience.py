"""Bearing with a cluster that does not answer, or takes no job: for a while, never for ever."""

from __future__ import annotations

import time

from repro.errors import UserError

#: How long a call bears with a trouble that does not end.
PATIENCE_SECONDS = 900.0


class Patience:
    """Patience with one kind of trouble, ``what``."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._since: float | None = None

    def bear(self, problem: Exception) -> None:
        """Bear the trouble once more; ``UserError`` when it has lasted too long."""
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since > PATIENCE_SECONDS:
            raise UserError(f"{self._what}: {problem}; jobs may go on: try again later")

    def end(self) -> None:
        """Note that the trouble is over."""
        self._since = None
