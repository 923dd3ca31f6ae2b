"""What a ladder of trained models says: laws out of sample, best sizes, information."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from repro.curves import fit_joint, lower_hull, optimal_size, undominated
from tasks.scaling.domains import EXTRAPOLATION, TEST
from tasks.scaling.information import information_by_size, information_checks
from tasks.scaling.protocol import Numbers, ScalingForm

#: Most doublings by which a forecast of a size may be off; "never" counts as this.
MOST_DOUBLINGS = 10.0
#: Of a run, the share of tokens from which its losses count. For the best size from early on: a
#: later start would compare models at nearly the same tokens, and its exponent rise towards 1.
#: For L(C) later: what a model loses at first is no part of a law of the compute.
SIZES_FROM, LAW_FROM = 0.04, 0.2
#: Fewer points of a frontier than a law has parameters say nothing.
LEAST_POINTS = 3
#: Of a frontier, models of which an exponent without the first and the last says something: with
#: four, it would be that of the line through two points.
LEAST_FRONTIER = 5
#: Of the variance of the losses' logarithms, what L(N, D) must explain before it says anything.
LEAST_EXPLAINED = 0.95
#: Of the loss of guessing, the share below which a model has learnt something.
MOST_GUESSED = 0.9
#: Compute relative to the smallest model's whole run at which the best size is read.
COMPUTE_LEVELS = (4, 8, 16)
#: The same for the frontier's divergence from the source.
FRONTIER_LEVELS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class Ladder:
    """The models of a ladder, by size.

    ``sizes``  N, (models,); ``tokens`` (looks,); ``losses`` test → (models, looks)
    ``true_loss``  of the source itself, where known
    ``guess_loss``  of who knows but how often each token comes, on the test
    ``classification``  of each model, where the domain has classes
    ``pairs``  what each model knows of pairs, where the domain has them
    """

    sizes: Numbers
    tokens: Numbers
    losses: Mapping[str, Numbers]
    true_loss: float | None = None
    guess_loss: float = math.inf
    classification: Sequence[Mapping[str, float]] | None = None
    pairs: Sequence[Mapping[str, Any]] | None = None

    @classmethod
    def of(cls, rungs: Sequence[Mapping[str, Any]]) -> Ladder:
        """Return the ladder of what ``train_rung`` wrote, the smallest model first."""
        looks = [rung["looks"] for rung in rungs]
        names = [name for name in looks[0][0] if name != "tokens"]
        classified = [rung["classification"] for rung in rungs]
        pairs = [rung["pairs"] for rung in rungs]
        return cls(
            sizes=np.array([rung["size"] for rung in rungs], dtype=float),
            tokens=np.array([look["tokens"] for look in looks[0]], dtype=float),
            losses={n: np.array([[look[n] for look in own] for own in looks]) for n in names},
            true_loss=rungs[0]["true_loss"],
            guess_loss=rungs[0]["guess_loss"],
            classification=classified if classified[0] else None,
            pairs=pairs if pairs[0] else None,
        )

    @property
    def final(self) -> Numbers:
        """The least test loss of each model, (models,), as the paper has it."""
        return np.asarray(self.losses[TEST].min(axis=1))

    @property
    def relative(self) -> list[int]:
        """Each size over the smallest, as the levels of metrics name it."""
        return [round(size / self.sizes[0]) for size in self.sizes.tolist()]

    @property
    def compute(self) -> Numbers:
        """C = 6 N · tokens, (models, looks), in operations."""
        return np.asarray(6 * self.sizes[:, None] * self.tokens)

    def counted(self, share: float) -> slice:
        """Return which looks count from a share of the tokens on."""
        return slice(int((self.tokens < share * self.tokens[-1]).sum()), None)


def out_of_sample(ladder: Ladder, form: ScalingForm) -> dict[str, float]:
    """Return how far off a law is at the largest model, of which its fit saw nothing.

    ``size_error`` and ``compute_error``  |foretold − measured| loss, nats: from L(N), and from L(C)
                                          of the frontier at the largest compute (NaN where
                                          the frontier has fewer than three points)
    ``forecast_error``  doublings between the size foretold for the largest model's loss and its own
    """
    law = form.fitted(ladder.sizes[:-1], ladder.final[:-1])
    foretold = float(law.predict(ladder.sizes[-1:])[0])
    place = law.place_of(float(ladder.final[-1]))
    doublings = abs(math.log2(place / ladder.sizes[-1])) if place > 0 else MOST_DOUBLINGS
    return {
        "size_error": abs(foretold - float(ladder.final[-1])),
        "compute_error": _compute_error(ladder, form),
        "forecast_error": min(doublings, MOST_DOUBLINGS),
    }


def _compute_error(ladder: Ladder, form: ScalingForm) -> float:
    compute, losses = frontier(ladder, slice(0, -1))
    if len(compute) < LEAST_POINTS:
        return math.nan
    foretold = form.fitted_frontier(compute, losses).predict(ladder.compute[-1, -1:])
    return abs(float(foretold[0]) - float(frontier(ladder, slice(None))[1].min()))


def frontier(ladder: Ladder, models: slice) -> tuple[Numbers, Numbers]:
    """Return compute and loss of the points that no cheaper point of these models beats."""
    kept = ladder.counted(LAW_FROM)
    compute = ladder.compute[models, kept].ravel()
    losses = ladder.losses[TEST][models, kept].ravel()
    best = undominated(compute, losses)
    return compute[best], losses[best]


def whole_ladder(ladder: Ladder, form: ScalingForm) -> dict[str, float]:
    """Return the law's constant from all models, in nats, of L(N) and of L(C), where it has one.

    Where the source is known, ``constant_error`` and ``compute_constant_error``: how far each lies
    above the source's own loss, as a share of it.
    """
    found = {"constant": form.fitted(ladder.sizes, ladder.final).constant}
    compute, losses = frontier(ladder, slice(None))
    if len(compute) >= LEAST_POINTS:
        found["compute_constant"] = form.fitted_frontier(compute, losses).constant
    finite = {name: value for name, value in found.items() if math.isfinite(value)}
    truth = ladder.true_loss
    errors = {f"{name}_error": value / truth - 1 for name, value in finite.items()} if truth else {}
    return {**finite, **errors}


def frontier_divergence(ladder: Ladder) -> dict[str, float]:
    """Return how far the frontier lies above the source's own loss, where that is known.

    ``frontier_divergence@c`` with c the compute over that of the smallest model's whole run;
    between the points of the frontier, on a straight line over ln C. NaN for losses that are not
    finite.
    """
    if ladder.true_loss is None:
        return {}
    whole = ladder.compute[0, -1]
    levels = [level for level in FRONTIER_LEVELS if level * whole <= ladder.compute.max()]
    reached = np.full(len(levels), math.nan)
    if np.isfinite(ladder.losses[TEST][:, ladder.counted(LAW_FROM)]).all():
        compute, losses = frontier(ladder, slice(None))
        reached = np.interp(np.log(whole * np.array(levels)), np.log(compute), losses)
    above = (reached - ladder.true_loss).tolist()
    return {f"frontier_divergence@{c}": y for c, y in zip(levels, above, strict=True)}


def joint_law(ladder: Ladder) -> dict[str, float]:
    """Return what L(N, D) = E + A / N^α + B / D^β through all points of all models says.

    ``joint_explained``  share of the variance of ln loss that the law explains; below
        ``LEAST_EXPLAINED`` it is no law of these losses, and the rest is left out
    ``joint_constant``  E, in nats
    ``joint_best_size_exponent``, ``joint_log_best_size@c``  β / (α + β), and the logarithm of the
        best size, relative to the smallest, at some amounts of compute. The ladder's ends, which
        hold the exponent of :func:`best_sizes` near 0.5, do not hold these. Left out where an
        exponent ends at its edge: the loss then says nothing of one of the two
    """
    kept = ladder.counted(LAW_FROM)
    losses = ladder.losses[TEST][:, kept].ravel()
    sizes, tokens = np.broadcast_arrays(ladder.sizes[:, None], ladder.tokens[kept])
    law = fit_joint(sizes.ravel(), tokens.ravel(), losses)
    residuals = np.log(losses / law.predict(sizes.ravel(), tokens.ravel()))
    explained = 1 - float((residuals**2).mean() / np.log(losses).var())
    if explained < LEAST_EXPLAINED:
        return {"joint_explained": explained}
    found = {"joint_explained": explained, "joint_constant": law.parameters["constant"]}
    if law.at_edge:
        return found
    sizes_at = _at_levels("joint_log_best_size", ladder, lambda compute: law.optimal(compute)[0])
    logarithms = {name: math.log(size) for name, size in sizes_at.items()}
    return {**found, "joint_best_size_exponent": law.compute_exponent, **logarithms}


def best_sizes(ladder: Ladder) -> dict[str, float]:
    """Return the best size, relative to the smallest, at some amounts of compute; and its exponent.

    ``best_size@c``, ``best_size_exponent``  of the power law through the vertices of the
        frontier's convex hull, as the paper has it; NaN for a single model there, and for losses
        that are not finite
    ``frontier_models``  models that have a vertex
    ``inner_best_size_exponent``  with one point for each model but the first and the last, whose
        stretches are cut off by the ladder's end, which flattens the paper's; left out for fewer
        than five models
    """
    points = _points_of_sizes(ladder)
    finite = bool(np.isfinite(points[2]).all())
    models = float(np.unique(points[0][lower_hull(*points[1:])]).size) if finite else math.nan
    if not models >= 2:
        levels = _at_levels("best_size", ladder, _nowhere)
        return {**levels, "best_size_exponent": math.nan, "frontier_models": models}
    law = optimal_size(*points, rule="vertices")
    found = {**_at_levels("best_size", ladder, law.predict), "best_size_exponent": law.exponent}
    if models >= LEAST_FRONTIER:
        found["inner_best_size_exponent"] = optimal_size(*points, rule="models").exponent
    return {**found, "frontier_models": models}


def _at_levels(name: str, ladder: Ladder, best: Callable[[Numbers], Numbers]) -> dict[str, float]:
    """Return the best size for each of the levels of compute, relative to the smallest model."""
    places = best(ladder.compute[0, -1] * np.array(COMPUTE_LEVELS)) / ladder.sizes[0]
    named = zip(COMPUTE_LEVELS, places.tolist(), strict=True)
    return {f"{name}@{level}": place for level, place in named}


def _nowhere(compute: Numbers) -> Numbers:
    return np.full_like(compute, math.nan)


def _points_of_sizes(ladder: Ladder) -> tuple[Numbers, Numbers, Numbers]:
    """Return size, compute and loss of every point that counts for the best size."""
    kept = ladder.counted(SIZES_FROM)
    compute = ladder.compute[:, kept]
    sizes = np.broadcast_to(ladder.sizes[:, None], compute.shape)
    return sizes.ravel(), compute.ravel(), ladder.losses[TEST][:, kept].ravel()


def by_size(ladder: Ladder) -> dict[str, float]:
    """Return what each model reached, as metrics whose level is its relative size."""
    columns: dict[str, Sequence[float]] = {
        "loss": ladder.final.tolist(),
        "late_fall": late_fall(ladder).tolist(),
    }
    if ladder.true_loss is not None:
        columns["divergence"] = (ladder.final - ladder.true_loss).tolist()
    if ladder.pairs is not None:
        columns |= information_by_size(ladder.pairs)
    if EXTRAPOLATION in ladder.losses:
        columns["extrapolation_loss"] = ladder.losses[EXTRAPOLATION][:, -1].tolist()
        if matched := _matched(ladder):
            columns["matched_extrapolation"] = matched
    if ladder.classification is not None:
        for name, key in (("classification_loss", "loss"), ("error_rate", "error_rate")):
            columns[name] = [found[key] for found in ladder.classification]
    found = {
        f"{name}@{level}": value
        for name, values in columns.items()
        for level, value in zip(ladder.relative[-len(values) :], values, strict=True)
    }
    return found if ladder.pairs is None else {**found, **information_checks(ladder.pairs[-1])}


def late_fall(ladder: Ladder) -> Numbers:
    """Return by how many nats each model's loss fell over the last half of its tokens, (models,).

    Between looks, on a straight line over the logarithm of the tokens. Near 0: converged.
    """
    places, losses = np.log(ladder.tokens), ladder.losses[TEST]
    middle = [np.interp(math.log(ladder.tokens[-1] / 2), places, own) for own in losses]
    return np.array(middle) - losses[:, -1]


def _matched(ladder: Ladder) -> list[float]:
    """Return the extrapolation loss of each model but the smallest at the same loss in range.

    That loss is the worst of these models' least ones, so that each has reached it; in between
    looks, a straight line joins the two losses. Nothing where one of them has hardly learnt more
    than to guess: at that loss all models are alike, whatever else holds.
    """
    inside, beyond = ladder.losses[TEST][1:], ladder.losses[EXTRAPOLATION][1:]
    level = float(inside.min(axis=1).max())
    if not level <= MOST_GUESSED * ladder.guess_loss:
        return []
    return [_when(own, level, other) for own, other in zip(inside, beyond, strict=True)]


def _when(falling: Numbers, level: float, values: Numbers) -> float:
    """Return ``values`` at the first place where ``falling`` is at or below ``level``."""
    place = int(np.argmax(falling <= level))
    if place == 0:
        return float(values[0])
    high, low = falling[place - 1], falling[place]
    share = (high - level) / (high - low)
    return float(values[place - 1] + share * (values[place] - values[place - 1]))
