"""The error that a user can cause, the word to stop, and the exit statuses of the command line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_TRIALS_FAILED = 1
EXIT_USER_ERROR = 2
EXIT_INTERRUPTED = 130


class UserError(Exception):
    """Something the user can mend: one line that says what is wrong, where, and what to do.

    The command line prints the message without a traceback and ends with exit status 2.
    """


class Interrupted(BaseException):
    """The trial was told to stop: no failure, it goes on another time."""


def first_line(error: Exception) -> str:
    """Return the first line of what an error says, or its name where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def did_you_mean(name: str, known: Iterable[str], most: int | None = None) -> str:
    """Return ``; did you mean 'x'?`` for the nearest of ``known``, or the list of them.

    ``most``  how many the list may name; all without it
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        # Two letters swapped are the likeliest slip, and difflib ranks them low.
        nearest = next((other for other in near if sorted(other) == sorted(name)), near[0])
        return f"; did you mean {nearest!r}?"
    shown = names[:most]
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return f"; valid: {', '.join(shown)}{more}" if names else ""
