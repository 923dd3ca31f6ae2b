"""A Markov source of order two whose entropy rate is known exactly."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

Numbers = np.ndarray


@dataclass(frozen=True)
class MarkovSource:
    """Tokens 0 … V−1 of which each depends on the two before it.

    ``conditionals``  (V, V, V): the probability of the next token (last axis) after the tokens two
                      places back (first axis) and one place back (second axis); all above 0
    """

    conditionals: Numbers

    @classmethod
    def drawn(
        cls,
        vocabulary: int,
        seed: int,
        first: float = 1.6,
        second: float = 1.1,
        joint: float = 1.0,
        zipf: float = 1.0,
    ) -> MarkovSource:
        """Return a source with random logits.

        The logit of token z after x, y is ``first`` · A[y, z] + ``second`` · B[x, z] + ``joint`` ·
        C[x, y, z] − ``zipf`` · ln(z + 1), with standard normal A, B and C: what one token back says
        is learnt first, what only both say together last.
        """
        random = np.random.default_rng(seed)
        a = random.standard_normal((vocabulary, vocabulary))
        b = random.standard_normal((vocabulary, vocabulary))
        c = random.standard_normal((vocabulary,) * 3)
        prior = -zipf * np.log(np.arange(1, vocabulary + 1))
        logits = first * a[None, :, :] + second * b[:, None, :] + joint * c + prior
        odds = np.exp(logits - logits.max(-1, keepdims=True))
        return cls(odds / odds.sum(-1, keepdims=True))

    @property
    def vocabulary(self) -> int:
        """V."""
        return len(self.conditionals)

    @cached_property
    def pairs(self) -> Numbers:
        """The stationary distribution of two tokens in a row, (V, V)."""
        found = np.full((self.vocabulary,) * 2, self.vocabulary**-2.0)
        for _ in range(10_000):
            following = np.einsum("xy,xyz->yz", found, self.conditionals)
            if np.abs(following - found).max() < 1e-15:
                break
            found = following
        return np.asarray(following / following.sum())

    @cached_property
    def entropy_rate(self) -> float:
        """Nats per token, once two tokens are known."""
        rows = -(self.conditionals * np.log(self.conditionals)).sum(-1)
        return float((self.pairs * rows).sum())

    def entropy(self, length: int) -> float:
        """Return the entropy of ``length`` tokens in a row of the stationary source, in nats."""
        single = self.pairs.sum(1)
        first = -float((single * np.log(single)).sum())
        if length == 1:
            return first
        both = -float((self.pairs * np.log(self.pairs)).sum())
        return both + (length - 2) * self.entropy_rate

    def sample(self, count: int, length: int, random: np.random.Generator) -> Numbers:
        """Return ``count`` independent stretches of the stationary source, (count, length)."""
        start = random.choice(self.vocabulary**2, size=count, p=self.pairs.ravel())
        tokens = np.empty((count, max(length, 2)), dtype=np.int64)
        tokens[:, 0], tokens[:, 1] = np.divmod(start, self.vocabulary)
        heights = self._cumulated
        draws = random.random((count, max(length, 2)))
        for place in range(2, length):
            rows = heights[tokens[:, place - 2], tokens[:, place - 1]]
            tokens[:, place] = (draws[:, place, None] > rows).sum(-1)
        return tokens[:, :length]

    def token_losses(self, tokens: Numbers) -> Numbers:
        """Return −ln p of each token given all before it, (count, length), in nats."""
        first = -np.log(self.pairs.sum(1))[tokens[:, 0]]
        second = -np.log(self.pairs / self.pairs.sum(1, keepdims=True))[tokens[:, 0], tokens[:, 1]]
        others = -np.log(self.conditionals[tokens[:, :-2], tokens[:, 1:-1], tokens[:, 2:]])
        return np.concatenate([first[:, None], second[:, None], others], axis=1)

    @cached_property
    def _cumulated(self) -> Numbers:
        heights = self.conditionals.cumsum(-1)
        heights[..., -1] = 1.0  # rounding must not leave a gap above the last token
        return heights
