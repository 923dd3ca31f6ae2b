"""What a game is measured by."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tasks.bandit.game import Played
from tasks.bandit.protocol import Floats
from tasks.bandit.regression_loss import RegressionLoss
from tasks.bandit.streams import Streams

#: Shares of the rounds after which regrets are taken: of a power law the exponent is the same.
SHARES = (0.0625, 0.125, 0.25, 0.5, 1.0)
CURVE_POINTS = 40


@dataclass(frozen=True)
class Regrets:
    """Cumulative regrets after every round, (rounds, streams) each.

    ``observed``    Σ loss of the arm, for the observed label: against hindsight, as the paper
    ``pseudo``      Σ expected loss of the arm − that of the best policy
    ``regression``  Σ ℓ(ŷ, y) − ℓ(E y, y): online regression against the true conditional mean, the
                    best predictor under realizability; NaN without regression
    """

    observed: Floats
    pseudo: Floats
    regression: Floats

    @classmethod
    def of(cls, streams: Streams, played: Played, loss: RegressionLoss | None) -> Regrets:
        """Sum up a game."""
        right = played.arms == streams.labels[streams.order]
        excess = streams.expected_other - streams.expected_best
        pseudo = np.where(right, 0.0, excess)
        mean = np.where(right, streams.expected_best, streams.expected_other)
        regression = np.full(right.shape, np.nan)
        if loss is not None:
            losses = np.asarray(played.losses, dtype=np.float64)
            own = loss.of_prediction(played.predictions, losses)
            regression = own - loss.of_prediction(mean, losses)
        return cls(
            np.cumsum(played.losses, axis=0, dtype=np.float64),
            np.cumsum(pseudo, axis=0),
            np.cumsum(regression, axis=0),
        )

    def last(self, name: str) -> Floats:
        """Return the final regret of each stream."""
        final: Floats = getattr(self, name)[-1]
        return final

    def curve(self, stream: int) -> Iterator[tuple[int, dict[str, float]]]:
        """Yield rounds, evenly spaced, with the regrets after them."""
        rounds = len(self.observed)
        for done in sorted({math.ceil(rounds * k / CURVE_POINTS) for k in range(1, 41)}):
            point = {
                "regret": float(self.observed[done - 1, stream]),
                "pseudo_regret": float(self.pseudo[done - 1, stream]),
                "regression_regret": float(self.regression[done - 1, stream]),
            }
            yield done, {name: value for name, value in point.items() if math.isfinite(value)}


def game_metrics(
    regrets: Regrets,
    streams: Streams,
    diverged: npt.NDArray[np.bool_],
    diagnosed: dict[str, Floats],
    chosen: slice,
) -> dict[str, float]:
    """Return one trial's metrics; ``chosen``: its streams, one per level of label noise."""
    noise = streams.noise[chosen]
    metrics: dict[str, float] = {}
    if len(noise) == 1:
        metrics |= _without_noise(regrets, chosen.start)
    else:
        final = regrets.last("pseudo")[chosen]
        metrics |= {f"pseudo_regret@{q:g}": float(v) for q, v in zip(noise, final, strict=True)}
    metrics |= {name: float(values[chosen].mean()) for name, values in diagnosed.items()}
    if diverged[chosen].any():
        metrics = dict.fromkeys(metrics, math.nan)
    return {"diverged": float(diverged[chosen].mean())} | metrics


def tuning_metrics(
    regrets: Regrets, diverged: npt.NDArray[np.bool_], chosen: slice
) -> dict[str, float]:
    """Return what a configuration is chosen by: the mean pseudo-regret over levels of noise."""
    regret = math.nan if diverged[chosen].any() else float(regrets.last("pseudo")[chosen].mean())
    return {"tuning_regret": regret}


def _without_noise(regrets: Regrets, stream: int) -> dict[str, float]:
    rounds = len(regrets.observed)
    metrics: dict[str, Any] = {"regret": regrets.observed[-1, stream]}
    # A stream that diverged began with numbers; a method without regression never has any.
    has_regression = np.isfinite(regrets.regression[0, stream])
    for share in SHARES:
        last = max(1, round(share * rounds)) - 1
        metrics[f"regret_after@{share:g}"] = regrets.observed[last, stream]
        if has_regression:
            metrics[f"regression_regret@{share:g}"] = regrets.regression[last, stream]
    return {name: float(value) for name, value in metrics.items()}
