"""The families of curves over one variable, and what each of their parameters is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Form:
    """A family of curves.

    ``formula``     how the curve reads; ``parameters`` its letters, in words
    ``logarithmic`` whether it is a curve over ln x: x must be positive
    ``rate``        the parameter that enters as an exponent; "" for a straight line
    ``constant``    whether a constant is added
    """

    formula: str
    parameters: tuple[str, ...]
    logarithmic: bool
    rate: str
    constant: bool

    def values(self, parameters: Mapping[str, float], x: ArrayLike) -> Numbers:
        """Return the values at ``x`` of the curve with ``parameters``."""
        numbers = np.asarray(x, dtype=float)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            z = np.log(numbers) if self.logarithmic else numbers
            if not self.rate:
                line: Numbers = parameters["intercept"] + parameters["slope"] * z
                return line
            curve = parameters["coefficient"] * np.exp(parameters[self.rate] * z)
        return curve + parameters.get("constant", 0.0)


FORMS = {
    "linear": Form("intercept + slope · x", ("intercept", "slope"), False, "", True),
    "logarithmic": Form("intercept + slope · ln x", ("intercept", "slope"), True, "", True),
    "power_law": Form(
        "coefficient · x^exponent", ("coefficient", "exponent"), True, "exponent", False
    ),
    "power_law_with_constant": Form(
        "constant + coefficient · x^exponent",
        ("constant", "coefficient", "exponent"),
        True,
        "exponent",
        True,
    ),
    "exponential": Form(
        "coefficient · e^(rate · x)", ("coefficient", "rate"), False, "rate", False
    ),
    "exponential_with_constant": Form(
        "constant + coefficient · e^(rate · x)",
        ("constant", "coefficient", "rate"),
        False,
        "rate",
        True,
    ),
}
