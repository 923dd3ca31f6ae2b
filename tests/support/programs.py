"""Programs that a test needs beside Python: found, or the test is skipped with a reason."""

from __future__ import annotations

import os
import shutil

import pytest


def require(what: str, *names: str, hint: str) -> str:
    """Return the path of the first of ``names`` on PATH.

    Without one the test is skipped with ``hint``; where the environment's REQUIRE lists ``what``,
    as on continuous integration, it fails.
    """
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    message = f"needs {names[0]}: {hint}"
    if what in os.environ.get("REQUIRE", "").split(","):
        pytest.fail(f"REQUIRE names {what}, but there is none: {message}")
    pytest.skip(message)
