"""NeuSquareCB and NeuFastCB: an allocation rule on online regression with perturbed networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from methods.neucb.ball import Ball
from methods.neucb.curvature import Rounds, smallest_curvature
from methods.neucb.perturbation import Perturbation, perturbation_scale
from repro.errors import UserError
from tasks.bandit.allocation import (
    draw,
    inverse_gap_weighting,
    reweighted_inverse_gap_weighting,
)
from tasks.bandit.network import ArmNetworks
from tasks.bandit.neural import NeuralLearner
from tasks.bandit.protocol import Choice, Floats, History, Index, Problem
from tasks.bandit.regression_loss import LossName

#: Predicted losses (streams, arms) and γ to probabilities of the same shape.
Weighting = Callable[[Floats, float], Floats]


@dataclass(frozen=True)
class _Settings:
    """The paper's parameters, each component a switch of its own.

    ``learning_rate``  of projected online gradient descent, one step per round
    ``gamma``          γ of the weighting: the larger, the less is explored
    ``perturbation``   c_p; 0 predicts without perturbation
    ``proximal``       c_p of a deterministic pull ½ κ² ‖θ − θ₀‖², which the perturbation of a
                       squared loss equals in expectation; 0 without
    ``radius``         of the ball round the initial weights, layer by layer
    ``loss``           what regression minimises; the paper's own by default
    """

    learning_rate: float = 1.0
    gamma: float = 100.0
    perturbation: float = 0.1
    proximal: float = 0.0
    radius: float = 100.0
    loss: LossName = "squared"

    def __post_init__(self) -> None:
        if self.proximal and self.loss != "squared":
            raise UserError(
                "methods.neucb: the proximal form equals the perturbation for the squared loss "
                "alone; leave out proximal, or set loss: squared"
            )
        if self.proximal and self.perturbation:
            raise UserError(
                "methods.neucb: proximal stands in place of the perturbation; set perturbation: 0"
            )

    def learner(self, problem: Problem, weighting: Weighting) -> _Learner:
        return _Learner(problem, self.loss, self.learning_rate, settings=self, weighting=weighting)


@dataclass(frozen=True)
class NeuSquareCB(_Settings):
    """Squared loss and inverse gap weighting: regret Õ(√(KT)). Parameters: see ``_Settings``."""

    def start(self, problem: Problem) -> NeuralLearner:
        """Return the learner."""
        return self.learner(problem, inverse_gap_weighting)


@dataclass(frozen=True)
class NeuFastCB(_Settings):
    """KL loss and FastCB's weighting: regret Õ(√(K L*) + K), L* the loss of the best policy.

    The loss is the KL divergence of Bernoulli distributions, for an observed loss of 0 or 1 the log
    loss. With the squared loss, predictions below 0 count as 0 in the weighting.
    """

    loss: LossName = "log"

    def start(self, problem: Problem) -> NeuralLearner:
        """Return the learner."""
        return self.learner(problem, reweighted_inverse_gap_weighting)


@dataclass
class _Learner(NeuralLearner):
    settings: _Settings = field(kw_only=True)
    weighting: Weighting = field(kw_only=True)
    perturbation: Perturbation | None = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        strength = self.settings.perturbation
        self.perturbation = (
            Perturbation(self.problem, self.networks, strength) if strength else None
        )
        self.ball = Ball(self.networks, self.settings.radius)
        self.uniforms = self.problem.uniforms("action")
        self.shifts = np.zeros((self.problem.streams, 1), np.float32)

    def make_networks(self) -> ArmNetworks:
        return ArmNetworks(self.problem, keep_start=True)

    def select(self, x: Floats) -> Choice:
        """Weigh the ensemble's predictions, which shift all arms alike."""
        self.activations = self.networks.forward(x)
        if self.perturbation is not None:
            self.shifts = self.perturbation.draw()
        output = self.activations.output + self.shifts.mean(axis=1, keepdims=True)
        predicted = self.loss.prediction(output)
        probabilities = self.weighting(predicted, self.settings.gamma)
        arms = draw(probabilities, self.uniforms[self.round])
        return Choice(arms, predicted[self.rows, arms])

    def update(self, x: Floats, arms: Index, losses: Floats) -> None:
        """Take a projected gradient step on the mean loss of the ensemble's members."""
        output = self.activations.output[self.rows, arms]
        slopes = self.loss.slope(output[:, None] + self.shifts, losses[:, None])
        step = self.learning_rate * slopes / slopes.shape[1]
        pull = self._pull()
        self.step(x, arms, slopes.mean(axis=1))
        if self.perturbation is not None:
            self.perturbation.descend(step)
        if pull is not None:
            self.networks.weights -= pull
        everything = self.perturbation is not None or pull is not None
        self.ball.project(None if everything else arms)
        self.round += 1

    def diagnose(self, history: History, rounds: int) -> dict[str, Floats]:
        """Return the smallest curvature of the expected perturbed loss on rounds of the game."""
        played = np.unique(np.linspace(0, len(history.arms) - 1, rounds).round().astype(int))
        scale = perturbation_scale(
            self.settings.perturbation or self.settings.proximal, self.problem.hidden_width
        )
        assert self.networks.start is not None
        found = np.full(self.problem.streams, np.nan)
        for stream in np.flatnonzero(~self.diverged()):
            part = Rounds(*(values[played, stream] for values in vars(history).values()))
            weights, start = self.networks.weights[stream], self.networks.start[stream]
            arms = self.problem.arms
            found[stream] = smallest_curvature(weights, start, arms, part, self.loss.name, scale)
        return {"smallest_curvature": found}

    def _pull(self) -> Floats | None:
        """Return the step of the proximal term, ½ κ² ‖θ − θ₀‖² with κ = c_p / m^{1/4}."""
        if not self.settings.proximal:
            return None
        assert self.networks.start is not None
        scale = perturbation_scale(self.settings.proximal, self.problem.hidden_width)
        return np.asarray(
            self.learning_rate * scale**2 * (self.networks.weights - self.networks.start),
            dtype=np.float32,
        )
