"""What the losses of pairs say of their mutual information, and the truth beside it.

Henighan et al. (2020), "Scaling Laws for Autoregressive Generative Modeling", section 4: the
empirical information is the mean of ln q(y | x) − ln q(y) for a model q, its loss with a blank in
the place of x minus its loss with x. The information gain is its share of the caption's loss,
I / L(text); over the loss of one word it is a number of words: what a picture is worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: What ``tasks.scaling.blank_training.measured_pairs`` wrote for a model.
Pairs = Mapping[str, Any]


def information_by_size(models: Sequence[Pairs]) -> dict[str, list[float]]:
    """Return columns of metrics, one value a model; information in nats per pair.

    ``information``             of the model that was finetuned with blanks
    ``information_unprepared``  of the model before: it has never seen a blank
    ``information_error``       the first less the truth on the same pairs
    ``information_gain``, ``worth``  the first, as a share of a caption's loss, and in words
    """
    found = [_information(pairs, "after") for pairs in models]
    gains = [own / _caption_loss(pairs) for own, pairs in zip(found, models, strict=True)]
    truths = [pairs["tested_information"] for pairs in models]
    return {
        "information": found,
        "information_unprepared": [_information(pairs, "before") for pairs in models],
        "information_error": [own - truth for own, truth in zip(found, truths, strict=True)],
        "information_gain": gains,
        "worth": [gain * pairs["words"] for gain, pairs in zip(gains, models, strict=True)],
    }


def information_checks(largest: Pairs) -> dict[str, float]:
    """Return the largest model's two estimates, each (level 1) beside the truth (level 0)."""
    truth = largest["tested_information"]
    return {
        "information_with_blanks@0": truth,
        "information_with_blanks@1": _information(largest, "after"),
        "information_without_blanks@0": truth,
        "information_without_blanks@1": _information(largest, "before"),
    }


def _information(pairs: Pairs, when: str) -> float:
    losses = pairs[when]
    return float(pairs["tokens"] * (losses["blank"] - losses["shown"]))


def _caption_loss(pairs: Pairs) -> float:
    """Return a caption's loss without its picture, nats: the model's, or else the true entropy."""
    if pairs["caption_entropy"] is not None:
        return float(pairs["words"] * pairs["caption_entropy"])
    return float(pairs["tokens"] * pairs["after"]["blank"])
