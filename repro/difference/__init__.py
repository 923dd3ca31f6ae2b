"""The verb `diff`: what changed from one report to another, and why."""

from repro.difference.compare import Change, ChangedItem, Difference, difference
from repro.difference.reasons import Reason
from repro.difference.text import difference_text

__all__ = ["Change", "ChangedItem", "Difference", "Reason", "difference", "difference_text"]
