"""Sentences of a probabilistic grammar whose entropy rate is known exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

#: Its probability and what it makes of a symbol: terminals and further symbols.
Rule = tuple[float, tuple[str, ...]]


@dataclass(frozen=True)
class Grammar:
    """A context-free grammar in which the first terminal of a rule tells which rule it is.

    ``rules``  symbol → its rules; what has none is a terminal. ``start``: the first symbol

    Each right side starts with a terminal, a different one for each rule of a symbol. So a sentence
    has one derivation, its entropy is the derivation's, and the next terminal's probability follows
    from what is still to be derived. Raises ``ValueError`` for other grammars, and for one whose
    sentences have no finite mean length.
    """

    rules: dict[str, tuple[Rule, ...]]
    start: str

    def __post_init__(self) -> None:
        for symbol, rules in self.rules.items():
            firsts = [right[0] if right else "" for _, right in rules]
            if len(set(firsts)) < len(firsts) or set(firsts) & ({""} | self.rules.keys()):
                raise ValueError(f"{symbol}: every rule must start with a terminal of its own")
            if abs(sum(p for p, _ in rules) - 1) > 1e-9 or min(p for p, _ in rules) <= 0:
                raise ValueError(f"{symbol}: probabilities must be above 0 and add up to 1")
        if self.start not in self.rules:
            raise ValueError(f"the start {self.start!r} has no rules")
        if np.abs(np.linalg.eigvals(self._children)).max() >= 1:
            raise ValueError("sentences have no finite mean length: recursion is too likely")

    @cached_property
    def terminals(self) -> tuple[str, ...]:
        """All terminals, in the order of their names."""
        used = {s for rules in self.rules.values() for _, right in rules for s in right}
        return tuple(sorted(used - self.rules.keys()))

    @cached_property
    def entropy(self) -> float:
        """Of a sentence, in nats: choices of rules times how often each symbol is derived."""
        own = [-sum(p * np.log(p) for p, _ in rules) for rules in self.rules.values()]
        return float(self._expected(np.array(own)))

    @cached_property
    def length(self) -> float:
        """The mean number of terminals of a sentence."""
        own = [
            sum(p * sum(s not in self.rules for s in right) for p, right in rules)
            for rules in self.rules.values()
        ]
        return float(self._expected(np.array(own)))

    @property
    def entropy_rate(self) -> float:
        """Nats per token of independent sentences in a row, each with a token that ends it."""
        return self.entropy / (self.length + 1)

    def sentence(self, random: np.random.Generator) -> list[str]:
        """Return the terminals of one sentence."""
        found: list[str] = []
        left = [self.start]
        while left:
            symbol = left.pop()
            if symbol not in self.rules:
                found.append(symbol)
                continue
            rules = self.rules[symbol]
            which = random.choice(len(rules), p=[p for p, _ in rules])
            left += reversed(rules[which][1])
        return found

    def token_losses(self, sentence: Sequence[str]) -> list[float]:
        """Return −ln p of each terminal given those before it, and of the end (always 0), in nats.

        Raises ``ValueError`` for what the grammar cannot derive.
        """
        losses = []
        left = [self.start]
        for terminal in sentence:
            symbol = left.pop() if left else ""
            if symbol == terminal:
                losses.append(0.0)
                continue
            rule = next((r for r in self.rules.get(symbol, ()) if r[1][0] == terminal), None)
            if rule is None:
                raise ValueError(
                    f"{terminal!r} cannot follow {' '.join(sentence[: len(losses)])!r}"
                )
            losses.append(-float(np.log(rule[0])))
            left += reversed(rule[1][1:])
        if left:
            raise ValueError("the sentence ends too early")
        return [*losses, 0.0]

    @cached_property
    def _children(self) -> np.ndarray:
        """How often each symbol (column) is in what a symbol (row) becomes, on average."""
        symbols = list(self.rules)
        return np.array(
            [
                [sum(p * right.count(child) for p, right in self.rules[s]) for child in symbols]
                for s in symbols
            ]
        )

    def _expected(self, own: np.ndarray) -> float:
        """Return the mean sum of ``own`` over all symbols of a derivation."""
        totals = np.linalg.solve(np.eye(len(own)) - self._children, own)
        return float(totals[list(self.rules).index(self.start)])
