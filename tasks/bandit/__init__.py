"""Classification tables as bandits: data, environment, protocol, shared parts, metrics."""

from tasks.bandit.protocol import BanditMethod, Choice, History, Learner, PlainLearner, Problem
from tasks.bandit.task import Bandit

__all__ = [
    "Bandit",
    "BanditMethod",
    "Choice",
    "History",
    "Learner",
    "PlainLearner",
    "Problem",
]
