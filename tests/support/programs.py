"""Programs that a test needs beside Python: found, or the test is skipped with a reason."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def require(what: str, *names: str, hint: str) -> str:
    """Return the path of the first of ``names`` on PATH.

    Without one the test is skipped with ``hint``; where the environment's REQUIRE lists ``what``,
    as on continuous integration, it fails.
    """
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        absent(what, names[0], hint=hint)
    return found


def absent(what: str, name: str, *, hint: str) -> NoReturn:
    """Skip the test for want of the program ``name``; where REQUIRE lists ``what``, fail."""
    message = f"needs {name}: {hint}"
    if what in os.environ.get("REQUIRE", "").split(","):
        pytest.fail(f"REQUIRE names {what}, but there is none: {message}")
    pytest.skip(message)
