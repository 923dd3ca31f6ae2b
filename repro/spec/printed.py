"""A number as a paper prints it: its value, its rounding, and the error that its spread implies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Literal

SpreadKind = Literal["", "sd", "se", "ci95"]


@dataclass(frozen=True)
class PrintedNumber:
    """A printed string as a number: ``value``, and ``digit``, one unit of its last digit."""

    value: float
    digit: float

    @property
    def half_digit(self) -> float:
        """How far the unrounded number may lie from ``value``."""
        return self.digit / 2


def parse_printed(text: str) -> PrintedNumber:
    """Return ``text`` as a number with its precision; ``ValueError`` if it is no finite number.

    ``60`` is read as precise to 1 and ``6e1`` to 10, as they are written.
    """
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a number as printed") from None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or not math.isfinite(float(number)):
        raise ValueError(f"{text!r} is not a finite number")
    return PrintedNumber(float(number), 10.0**exponent)


def equal_as_printed(value: float, printed: PrintedNumber) -> bool:
    """Say whether ``value`` rounds to the printed number.

    A value halfway between two digits may round to either, because papers use both rules.
    """
    slack = 1e-9 * printed.digit
    return abs(value - printed.value) <= printed.half_digit + slack


def standard_deviation(spread: str, kind: SpreadKind, n: int) -> float | None:
    """Return the standard deviation over runs that a printed spread says.

    ``n`` is the number of runs behind the printed mean, 0 if unknown. ``None`` where the spread is
    not printed, its kind is unknown, or ``n`` is needed and unknown.
    """
    if not spread or not kind:
        return None
    if kind == "sd":
        return _at_least_its_rounding(spread)
    if n < 2:
        return None
    size = _at_least_its_rounding(spread)
    if kind == "ci95":
        # The t quantile gives the smaller deviation, so the stricter margin.
        from repro.statistics.summary import t_quantile

        size /= t_quantile(0.975, n - 1)
    return size * math.sqrt(n)


def standard_error(spread: str, kind: SpreadKind, n: int) -> float | None:
    """Return the standard error of a mean of ``n`` runs that a printed spread says.

    ``None`` where the spread is not printed, its kind is unknown, or ``n`` is not at least 2.
    """
    if not spread or not kind or n < 2:
        return None
    size = _at_least_its_rounding(spread)
    if kind == "sd":
        return size / math.sqrt(n)
    # Papers take 1.96 or the t quantile and do not say which: 1.96 gives the larger error, as a
    # test must assume. For a margin it would be the laxer one.
    return size if kind == "se" else size / 1.96


def _at_least_its_rounding(spread: str) -> float:
    """Return the spread; half of its last digit where it was rounded to 0."""
    printed = parse_printed(spread)
    return max(abs(printed.value), printed.half_digit)
