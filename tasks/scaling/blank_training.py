"""What a model of pairs knows: its losses with and without the first sequence of a pair.

A model that has only ever seen whole pairs does not know what to make of a blank, and its loss
there says nothing of the second sequence alone. So it is finetuned on a mix, half with blanks,
before the two losses are compared (Henighan et al., 2020, section 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from models.language import (
    Batch,
    FolderKeeper,
    OneProcess,
    Training,
    TrainingSettings,
    mean_loss,
)
from tasks.scaling.domains import TEST, PairedSequences

#: The stage of a build that this is.
MIXED = "mixed"


def measured_pairs(
    model: nn.Module,
    domain: PairedSequences,
    seed: int,
    rows: int,
    how: TrainingSettings,
    device: str,
    keeper: FolderKeeper,
) -> dict[str, Any]:
    """Finetune ``model`` on the mix as ``how`` says; return its losses before and after.

    ``before``, ``after``  loss of whole pairs (``shown``) and of those with a blank (``blank``),
                           nats per token
    ``tokens``, ``words``  of a second sequence, and of a caption
    ``caption_entropy``    nats per word, where the model itself does not foretell captions
    ``information``, ``tested_information``  I(x; y), and that of the test's pairs, nats per pair

    A killed build goes on from what ``keeper`` kept.
    """
    tests = {"shown": domain.tests(seed)[TEST], "blank": domain.blank_test(seed)}
    training = Training(model, domain.mixed(rows, seed), how, processes=OneProcess(device))
    if keeper.stage != MIXED:
        keeper.measured["before"] = _losses(model, tests, device)
        keeper.begin(MIXED, training.state())
    training.run(keeper)
    return {
        "before": keeper.measured["before"],
        "after": _losses(model, tests, device),
        "tokens": domain.length,
        "words": domain.length,
        "caption_entropy": None if domain.picture_first else domain.caption_entropy,
        "information": domain.information,
        "tested_information": domain.tested_information(seed),
    }


def _losses(
    model: nn.Module, tests: Mapping[str, Sequence[Batch]], device: str
) -> dict[str, float]:
    return {name: mean_loss(model, test, device) for name, test in tests.items()}
