"""The same laws through the losses beyond training's distribution, as the paper has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.scaling.domains import EXTRAPOLATION, TEST
from tasks.scaling.measures import Ladder, best_sizes, whole_ladder
from tasks.scaling.protocol import ScalingForm


def extrapolated_law(ladder: Ladder, form: ScalingForm) -> dict[str, float]:
    """Return what a law through all models says of the test that goes beyond training.

    ``extrapolation_constant``, ``extrapolation_compute_constant``  in nats, of L(N) and of L(C),
        where the law has one

    Nothing where the domain has no such test, or where a loss on it is not finite.
    """
    beyond = _beyond_training(ladder)
    found = {} if beyond is None else whole_ladder(beyond, form)
    return {f"extrapolation_{name}": value for name, value in found.items()}


def extrapolated_best_size(ladder: Ladder) -> dict[str, float]:
    """Return ``extrapolation_best_size_exponent``, of N_opt(C); nothing in the same cases."""
    beyond = _beyond_training(ladder)
    if beyond is None:
        return {}
    return {"extrapolation_best_size_exponent": best_sizes(beyond)["best_size_exponent"]}


def _beyond_training(ladder: Ladder) -> Ladder | None:
    losses = ladder.losses.get(EXTRAPOLATION)
    if losses is None or not np.isfinite(losses).all():
        return None
    return replace(ladder, losses={TEST: losses}, true_loss=None)
