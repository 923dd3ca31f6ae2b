"""How budgets are printed: as short as tells them apart."""

from __future__ import annotations

import math
from collections.abc import Iterable

#: Digits that a budget has at least, but for zeros at its end; and those that any two differ in.
_FEWEST, _MOST = 3, 17
#: From here on, and below there, a number is shorter with an exponent.
_LARGE, _SMALL = 1e7, 1e-4


def budget_texts(budgets: Iterable[float]) -> dict[float, str]:
    """Return finite budget → its text; no two read alike.

    Each has three digits, or as many as it takes to tell all of them apart. Whole parts are never
    rounded, and exponents are for what would be long without one.
    """
    values = list(dict.fromkeys(float(budget) + 0.0 for budget in budgets))  # −0 is 0
    for digits in range(_FEWEST, _MOST):
        texts = [_text(value, digits) for value in values]
        if len(set(texts)) == len(values):
            return dict(zip(values, texts, strict=True))
    return {value: _text(value, _MOST) for value in values}


def _text(value: float, digits: int) -> str:
    """Return ``value`` with at least so many digits, without zeros at its end."""
    size = abs(value)
    if size and not _SMALL <= size < _LARGE:
        number, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{_trimmed(number)}e{int(exponent)}"
    first = math.floor(math.log10(size)) if size else 0
    return _trimmed(f"{value:.{max(0, digits - 1 - first)}f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
