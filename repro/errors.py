"""The one kind of error that a user can cause, and the exit statuses of the command line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_TRIALS_FAILED = 1
EXIT_USER_ERROR = 2


class UserError(Exception):
    """Something the user can mend: one line that says what is wrong, where, and what to do.

    The command line prints the message without a traceback and ends with exit status 2.
    """


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest of ``known``, or the list of all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]!r}?"
    return f"; valid: {', '.join(names)}" if names else ""
