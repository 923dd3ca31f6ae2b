"""Libraries of the extra ``language``, imported when they are first needed."""

from __future__ import annotations

import importlib
from typing import Any

from repro.errors import UserError


def library(name: str) -> Any:
    """Return the module ``name``; one that is not installed is a ``UserError`` with the way out."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != name.partition(".")[0]:
            raise
        raise UserError(
            f"{name} is not installed: it belongs to the extra 'language'; "
            "run pip install -c constraints.txt -e '.[language]'"
        ) from None
