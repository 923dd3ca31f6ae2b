"""EE-Net (Ban, Yan, Banerjee and He, ICLR 2022; released code: banyikun/EE-Net-ICLR-2022)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from baselines.bandit.perceptrons import Perceptrons
from tasks.bandit.neural import NeuralLearner, Training, trains_after
from tasks.bandit.protocol import Choice, Floats, Index, Problem
from tasks.bandit.regression_loss import LossName

#: From the released code: the sum of f₁ and f₂ with these weights, and after so many rounds f₃.
_EARLY_WEIGHT, _LATE_WEIGHT, _EARLY_UNTIL = 0.1, 0.01, 1000
_DECISION_FROM = 500
_DECISION_UNITS = 20
_EXPLORATION_DECAY = 1e-4
#: f₂ learns 1 + the residual; an arm that was not played in a round without reward gets this.
_UNPLAYED_TARGET = 1.2
#: Parts over which each unit's gradient is averaged before f₂ sees it.
_POOLED = 8


@dataclass(frozen=True)
class EENet:
    """Three networks: f₁ predicts the loss, f₂ its error from f₁'s gradient, f₃ decides.

    f₂ sees the gradient of f₁'s output for the arm, averaged in parts, and learns reward − f₁ + 1.
    The arm with the largest f₁ + w (f₂ − 1) is played, w = 0.1, later 0.01; after 500 rounds, with
    ``decision: network``, the one with the largest f₃(f₁, f₂). In a round without reward, one of
    the other arms, drawn at random, is shown to f₂ with target 1.2 (the released code shows all).

    ``learning_rate``       of f₁, the network that all methods share
    ``exploration_rate``    of f₂; ``decision_rate``: of f₃; both are trained by Adam, as released
    ``training``            ``online``, one step of each network per round, or the authors' replay
    """

    learning_rate: float = 1.0
    exploration_rate: float = 0.01
    decision_rate: float = 0.001
    decision: str = "network"
    loss: LossName = "squared"
    training: Training = "online"

    def start(self, problem: Problem) -> NeuralLearner:
        """Return the learner."""
        return _Learner(problem, self.loss, self.learning_rate, self.training, settings=self)


@dataclass
class _Learner(NeuralLearner):
    settings: EENet = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        problem = self.problem
        parts = min(_POOLED, problem.dimension)
        self.edges = np.arange(parts) * problem.dimension // parts
        inputs = problem.hidden_width * len(self.edges)
        self.explorer = Perceptrons(
            problem, "exploration", inputs, problem.hidden_width, _EXPLORATION_DECAY
        )
        self.decider = Perceptrons(problem, "decision", 2, _DECISION_UNITS)
        self.uniforms = problem.uniforms("unplayed")
        self.samples = _Samples.room(problem, inputs) if self.training == "replay" else None
        self.orders = problem.generators("exploration replay")

    def select(self, x: Floats) -> Choice:
        self.activations = self.networks.forward(x)
        predicted = self.loss.prediction(self.activations.output)
        self.features = self._pooled_gradients(x)
        explored = self.explorer.outputs(self.features)
        self.scores = np.stack([1.0 - predicted, explored], axis=2).astype(np.float32)
        arms = self._decide().argmax(axis=1)
        return Choice(arms, predicted[self.rows, arms])

    def _decide(self) -> Floats:
        if self.settings.decision == "network" and self.round > _DECISION_FROM:
            return self.decider.outputs(self.scores)
        weight = _EARLY_WEIGHT if self.round <= _EARLY_UNTIL else _LATE_WEIGHT
        return np.asarray(self.scores[:, :, 0] + weight * (self.scores[:, :, 1] - 1.0))

    def _pooled_gradients(self, x: Floats) -> Floats:
        """Return each arm's gradient of f₁, averaged in parts of each unit's inputs."""
        sizes = np.diff(np.append(self.edges, x.shape[1]))
        pooled = np.add.reduceat(x, self.edges, axis=1) / sizes
        units = (self.activations.hidden > 0) * self.networks.output[:, None, :]
        gradients = units[:, :, :, None] * (self.networks.scale * pooled[:, None, None, :])
        return np.asarray(gradients.reshape(*units.shape[:2], -1), dtype=np.float32)

    def update(self, x: Floats, arms: Index, losses: Floats) -> None:
        inputs, targets = self._exploration_samples(arms, losses)
        scores = self.scores[self.rows, arms][:, None, :]
        if self.samples is None:
            self.explorer.descend(inputs, targets, self.settings.exploration_rate)
            self.decider.descend(scores, (1.0 - losses)[:, None], self.settings.decision_rate)
        else:
            self.samples.keep(self.round, inputs, targets, scores, 1.0 - losses)
        super().update(x, arms, losses)
        if self.samples is not None and trains_after(self.round):
            self._replay_samples(self.samples)

    def _exploration_samples(self, arms: Index, losses: Floats) -> tuple[Floats, Floats]:
        """Return what f₂ learns from this round: (streams, 2, inputs) and (streams, 2)."""
        count = self.problem.arms
        skipped = 1 + (self.uniforms[self.round] * (count - 1)).astype(np.intp)
        others = (arms + skipped) % count
        played = self.features[self.rows, arms]
        inputs = np.stack([played, self.features[self.rows, others]], axis=1)
        residual = 1.0 - losses - self.scores[self.rows, arms, 0]
        shown = (losses > 0) & (self.round < _EARLY_UNTIL)
        unplayed = np.where(shown, _UNPLAYED_TARGET, np.nan)
        return inputs, np.stack([residual + 1.0, unplayed], axis=1).astype(np.float32)

    def _replay_samples(self, samples: _Samples) -> None:
        """Train f₂ and f₃ on the rounds so far, in half as many steps as f₁.

        The released code stops f₂ after as many samples as f₁, of which a step here shows up to
        two, and f₃ after half as many.
        """
        steps = max(1, self.problem.replay_steps // 2)
        kept = min(self.round, steps)
        order = np.stack([source.permutation(self.round)[:kept] for source in self.orders], axis=1)
        inputs, targets = samples.inputs[order, self.rows], samples.targets[order, self.rows]
        scores, rewards = samples.scores[order, self.rows], samples.rewards[order, self.rows]
        for step in range(steps):
            place = step % kept
            self.explorer.descend(inputs[place], targets[place], self.settings.exploration_rate)
            self.decider.descend(scores[place], rewards[place], self.settings.decision_rate)

    def parameters(self) -> int:
        return super().parameters() + self.explorer.count + self.decider.count

    def diverged(self) -> npt.NDArray[np.bool_]:
        networks = (self.networks, self.explorer, self.decider)
        return np.asarray(np.any([network.diverged() for network in networks], axis=0))


@dataclass
class _Samples:
    """What f₂ and f₃ have seen, a row per round."""

    inputs: Floats
    targets: Floats
    scores: Floats
    rewards: Floats

    @classmethod
    def room(cls, problem: Problem, inputs: int) -> _Samples:
        shape = (problem.rounds, problem.streams)
        sizes = ((2, inputs), (2,), (1, 2), (1,))
        return cls(*(np.zeros((*shape, *size), np.float32) for size in sizes))

    def keep(
        self, done: int, inputs: Floats, targets: Floats, scores: Floats, rewards: Floats
    ) -> None:
        self.inputs[done], self.targets[done] = inputs, targets
        self.scores[done], self.rewards[done] = scores, rewards[:, None]
