"""A learner with one network: regression round by round, or by its authors' replay of history."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt

from tasks.bandit.network import Activations, ArmNetworks
from tasks.bandit.protocol import Choice, Floats, Index, PlainLearner
from tasks.bandit.regression_loss import LossName, RegressionLoss

#: ``online``: one gradient step per round, on that round, for every method alike. ``replay``:
#: passes over all rounds so far, as the released code of NeuralUCB, NeuralTS and EE-Net trains.
Training = Literal["online", "replay"]

#: The schedule of EE-Net's code and its copies of the baselines: every 10 rounds, later every 100.
_OFTEN, _SELDOM, _OFTEN_UNTIL = 10, 100, 1000
#: A pass with a lower mean loss ends the training: there 1e-3 of (y − f)², here of ½ (y − f)².
_LOW_LOSS = 5e-4


def trains_after(rounds: int) -> bool:
    """Say whether ``replay`` trains after so many rounds."""
    return (rounds - 1) % (_OFTEN if rounds <= _OFTEN_UNTIL else _SELDOM) == 0


@dataclass
class NeuralLearner(PlainLearner, ABC):
    """One network per stream and how it learns; what is played is up to :meth:`select`.

    ``learning_rate``  of plain gradient descent
    """

    loss_name: LossName
    learning_rate: float
    training: Training = "online"
    networks: ArmNetworks = field(init=False)
    activations: Activations = field(init=False)

    def __post_init__(self) -> None:
        self.loss: RegressionLoss = RegressionLoss(self.loss_name)
        self.networks = self.make_networks()
        self.rows = np.arange(self.problem.streams)
        self.round = 0
        if self.training == "replay":
            self._start_history()

    def make_networks(self) -> ArmNetworks:
        """Return the networks at the start."""
        return ArmNetworks(self.problem)

    @abstractmethod
    def select(self, x: Floats) -> Choice:
        """Return the chosen arms with their predicted losses, and keep the ``activations``."""

    def update(self, x: Floats, arms: Index, losses: Floats) -> None:
        """Take one step on this round, or train on the history where it is time."""
        if self.training == "online":
            output = self.activations.output[self.rows, arms]
            self.step(x, arms, self.loss.slope(output, losses))
        else:
            self._remember(x, arms, losses)
        self.round += 1
        if self.training == "replay" and trains_after(self.round):
            self._replay()

    def step(self, x: Floats, arms: Index, slope: Floats) -> None:
        """Descend on the arms' losses, whose slopes at the network's outputs are given."""
        gradient = self.networks.gradient(self.activations.hidden[self.rows, arms])
        self.networks.descend(x, arms, gradient, self.learning_rate * slope)

    def parameters(self) -> int:
        """Return the number of weights of one network."""
        return self.networks.count

    def diverged(self) -> npt.NDArray[np.bool_]:
        """Return which streams' weights are not finite."""
        return self.networks.diverged()

    def _start_history(self) -> None:
        shape = (self.problem.rounds, self.problem.streams)
        self._contexts = np.zeros((*shape, self.problem.dimension), np.float32)
        self._arms, self._losses = np.zeros(shape, np.intp), np.zeros(shape, np.float32)
        self._sources = self.problem.generators("replay")

    def _remember(self, x: Floats, arms: Index, losses: Floats) -> None:
        self._contexts[self.round], self._arms[self.round] = x, arms
        self._losses[self.round] = losses

    def _replay(self) -> None:
        """Pass over all rounds in an order of each stream's own, a step per round.

        A stream ends after a pass of low mean loss, all end after ``replay_steps`` steps.
        """
        steps = min(self.round, self.problem.replay_steps)
        order = np.stack([s.permutation(self.round)[:steps] for s in self._sources], axis=1)
        # Gathered once for all passes: each of the steps below is a handful of small products.
        contexts, losses = self._contexts[order, self.rows], self._losses[order, self.rows]
        arms = self._arms[order, self.rows]
        predicted = np.empty_like(losses)
        rate = np.full(len(self.rows), self.learning_rate)
        for taken in range(self.problem.replay_steps):
            place = taken % self.round
            if taken and not place:
                total = self.loss.of_prediction(predicted, losses).sum(axis=0, dtype=np.float64)
                rate = rate * (total > _LOW_LOSS * self.round)
                if not rate.any():
                    return
            predicted[place] = self._replay_one(contexts[place], arms[place], losses[place], rate)

    def _replay_one(self, x: Floats, arms: Index, losses: Floats, rate: Floats) -> Floats:
        """Take a step on one round of each stream; return what was predicted before it."""
        hidden, output = self.networks.at(x, arms)
        prediction = self.loss.prediction(output)
        step = (rate * (prediction - losses)).astype(np.float32)
        self.networks.descend(x, arms, self.networks.gradient(hidden), step)
        return prediction


@dataclass
class OutputLearner(NeuralLearner):
    """Plays by the network's outputs alone."""

    def select(self, x: Floats) -> Choice:
        """Return the chosen arms with their predicted losses."""
        self.activations = self.networks.forward(x)
        output = self.activations.output
        arms = self.choose(x, output)
        return Choice(arms, self.loss.prediction(output[self.rows, arms]))

    @abstractmethod
    def choose(self, x: Floats, output: Floats) -> Index:
        """Return the arms to play, (streams,), given outputs (streams, arms)."""
