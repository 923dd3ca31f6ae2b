"""The same laws through the losses beyond training's distribution, as the paper has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tasks.scaling.domains import EXTRAPOLATION, TEST
from tasks.scaling.measures import Ladder, best_sizes, whole_ladder
from tasks.scaling.protocol import ScalingForm


def beyond_training(ladder: Ladder, form: ScalingForm) -> dict[str, float]:
    """Return what a law through all models says of the test that goes beyond training.

    ``extrapolation_constant``, ``extrapolation_compute_constant``  in nats, of L(N) and of L(C),
        where the law has one
    ``extrapolation_best_size_exponent``  of N_opt(C)

    Nothing where the domain has no such test, or where a loss on it is not finite.
    """
    losses = ladder.losses.get(EXTRAPOLATION)
    if losses is None or not np.isfinite(losses).all():
        return {}
    beyond = replace(ladder, losses={TEST: losses}, true_loss=None)
    found = whole_ladder(beyond, form)
    found["best_size_exponent"] = best_sizes(beyond)["best_size_exponent"]
    return {f"extrapolation_{name}": value for name, value in found.items()}
