"""Fixtures that tests of several folders share."""

from __future__ import annotations

from pathlib import Path

import pytest
from checkout import Checkout, make_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A checkout of the harness with a toy paper, and an empty results folder."""
    return make_checkout(tmp_path / "checkout")
