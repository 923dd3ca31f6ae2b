"""One thread, no network, and small models."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _on_one_thread(one_thread: None) -> None:
    pass


@pytest.fixture(autouse=True)
def _without_data(found: Path) -> None:
    pass
