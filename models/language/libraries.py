"""Libraries of the extra ``language``, imported when they are first needed."""

from __future__ import annotations

import importlib
import os
from typing import Any

from repro.data import offline
from repro.errors import UserError


def library(name: str) -> Any:
    """Return the module ``name``; one that is not installed is a ``UserError`` with the way out.

    With ``OFFLINE=1`` those that read from the Hugging Face hub read from its cache alone.
    """
    if offline():
        # They read this when they are imported, and then find what was fetched before.
        os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != name.partition(".")[0]:
            raise
        raise UserError(
            f"{name} is not installed: it belongs to the extra 'language'; "
            "run pip install -c constraints.txt -e '.[language]'"
        ) from None
