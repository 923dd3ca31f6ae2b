"""The game itself: every stream's rounds, one after the other, and what is kept of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from repro.context import RunContext
from tasks.bandit.protocol import Floats, History, Index, Learner
from tasks.bandit.streams import Streams

#: A checkpoint costs a write to disk: no oftener than this.
CHECKPOINT_SECONDS = 30.0
#: How often progress is shown, in rounds.
_SHOW_EVERY = 100


@dataclass
class Played:
    """What each stream did, (rounds, streams) each, and how long all of it took.

    ``arms``        the arm played
    ``losses``      0 where it is the observed label, otherwise 1
    ``predictions`` the loss that regression predicted for it; NaN for a method without regression
    ``seconds``     processor time of all rounds of all streams
    """

    arms: Index
    losses: Floats
    predictions: Floats
    seconds: float = 0.0

    @classmethod
    def nothing(cls, rounds: int, streams: int) -> Played:
        """Return room for the game."""
        shape = (rounds, streams)
        return cls(np.zeros(shape, np.intp), np.zeros(shape, np.float32), np.full(shape, np.nan))

    @property
    def microseconds_per_round(self) -> float:
        """Processor time of one round of one stream, played together with the others."""
        return 1e6 * self.seconds / self.arms.size

    def history(self, streams: Streams) -> History:
        """Return what was played with its contexts."""
        return History(streams.x[streams.order], self.arms, self.losses)


def play(
    learner: Learner, streams: Streams, contexts: Sequence[RunContext]
) -> tuple[Learner, Played]:
    """Play all rounds; return the learner at the end and what it did.

    Goes on from a checkpoint of the same streams.
    """
    start, learner, played = _restored(learner, streams, contexts)
    saved_at, clock = time.monotonic(), time.thread_time()
    # A stream that diverges makes numbers that are none; it is told apart afterwards.
    with np.errstate(all="ignore"):
        for t in range(start, streams.rounds):
            _round(t, learner, streams, played)
            if (t + 1) % _SHOW_EVERY == 0:
                for context in contexts:
                    context.progress(t + 1, streams.rounds)
                if time.monotonic() - saved_at >= CHECKPOINT_SECONDS:
                    played.seconds += time.thread_time() - clock
                    _save(t + 1, learner, played, contexts)
                    saved_at, clock = time.monotonic(), time.thread_time()
    played.seconds += time.thread_time() - clock
    return learner, played


def _round(t: int, learner: Learner, streams: Streams, played: Played) -> None:
    x = streams.x[streams.order[t]]
    choice = learner.select(x)
    losses = (choice.arms != streams.observed[t]).astype(np.float32)
    played.arms[t], played.losses[t] = choice.arms, losses
    if choice.prediction is not None:
        played.predictions[t] = choice.prediction
    learner.update(x, choice.arms, losses)


def _save(t: int, learner: Learner, played: Played, contexts: Sequence[RunContext]) -> None:
    """Keep the game with its first trial: it goes on when the same trials are played together."""
    state = {"round": t, "learner": learner, "played": played, "trials": _trials(contexts)}
    contexts[0].checkpoint(state, t)


def _restored(
    learner: Learner, streams: Streams, contexts: Sequence[RunContext]
) -> tuple[int, Learner, Played]:
    states: list[dict[str, Any] | None] = [context.restore() for context in contexts]
    first = states[0]
    if first is not None and first["trials"] == _trials(contexts):
        return first["round"], first["learner"], first["played"]
    return 0, learner, Played.nothing(streams.rounds, streams.order.shape[1])


def _trials(contexts: Sequence[RunContext]) -> list[int]:
    return [context.trial_seed for context in contexts]
