"""An amount as a spec writes it: ``0.5``, ``2%``, ``1 sd`` or ``1 digit``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

_PATTERN = re.compile(r"(\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\s*(|%|sd|digits?)")

#: What each unit multiplies: the metric's own unit, a share, and what the paper printed.
UNITS = ("", "%", "sd", "digit")


@dataclass(frozen=True)
class Amount:
    """``number`` of a ``unit``, one of :data:`UNITS`."""

    number: float
    unit: str

    def of(self, *, value: float, sd: float | None = None, digit: float | None = None) -> float:
        """Return the amount in the metric's unit.

        ``value`` is what ``%`` is a share of, ``sd`` the printed standard deviation, ``digit`` one
        unit of the last printed digit. Raises ``ValueError`` where the one that is asked for is
        not given.
        """
        scale = {"": 1.0, "%": abs(value) / 100, "sd": sd, "digit": digit}[self.unit]
        if scale is None:
            raise ValueError(f"there is no {self.unit} that {self.number:g} could be a multiple of")
        return self.number * scale


def parse_amount(text: str, units: Iterable[str] = UNITS) -> Amount:
    """Return the amount that ``text`` says; ``ValueError`` in plain words for anything else.

    ``units`` are those allowed here. An amount is positive.
    """
    allowed = list(units)
    found = _PATTERN.fullmatch(text.strip())
    unit = found[2].removesuffix("s") if found and found[2] == "digits" else found and found[2]
    if found is None or unit not in allowed:
        raise ValueError(f"{text!r} is no amount; valid: {_examples(allowed)}")
    number = float(found[1])
    if not 0 < number < math.inf:
        raise ValueError(f"{text!r} is not more than 0 and finite")
    return Amount(number, unit)


def _examples(units: Iterable[str]) -> str:
    written = {
        "": "a number such as 0.5, in the metric's unit",
        "%": "a share such as 2%",
        "sd": "printed standard deviations such as 1 sd",
        "digit": "last printed digits such as 1 digit",
    }
    return ", ".join(written[unit] for unit in units)
