"""Neural ε-greedy: the least predicted loss, and now and then any arm."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.bandit.allocation import draw, epsilon_greedy
from tasks.bandit.neural import NeuralLearner, OutputLearner, Training
from tasks.bandit.protocol import Floats, Index, Problem
from tasks.bandit.regression_loss import LossName


@dataclass(frozen=True)
class NeuralEpsilonGreedy:
    """Play argmin_a f(x_a) with probability 1 − ε, otherwise an arm at random.

    ``training``  ``online``, the update budget of every method, or ``replay``
    """

    learning_rate: float = 1.0
    epsilon: float = 0.05
    loss: LossName = "squared"
    training: Training = "online"

    def start(self, problem: Problem) -> NeuralLearner:
        """Return the learner."""
        return _Learner(problem, self.loss, self.learning_rate, self.training, self.epsilon)


@dataclass
class _Learner(OutputLearner):
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.uniforms = self.problem.uniforms("action")

    def choose(self, x: Floats, output: Floats) -> Index:  # noqa: ARG002
        return draw(epsilon_greedy(output, self.epsilon), self.uniforms[self.round])
