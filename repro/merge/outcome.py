"""What became of each trial and artefact of a merge, and how that is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Prefer = Literal["ours", "theirs"]

Action = Literal[
    "brought",  # copied to where nothing had finished
    "replaced",  # copied over a finished one that differs, as the user asked
    "equal",  # finished on both sides, with the same content
    "kept",  # failed there, and there is an outcome here
    "different",  # finished on both sides with other content: ours stays
    "running",  # a living process has it, there or here
    "unfinished",  # nothing to bring
    "refused",  # not what it says it is
    "damaged",  # cannot be read
]

#: What a merge writes for.
WRITES: tuple[Action, ...] = ("brought", "replaced")
#: What a user may have to do something about, in the order of the summary.
_TOLD: tuple[Action, ...] = ("damaged", "refused", "different", "running")
#: How the summary's sentence tells of each action, after a count.
_SHORT: dict[Action, str] = {
    "replaced": "of these in place of what was here and differs",
    "equal": "here already, with the same content",
    "kept": "failed there, with an outcome here that stays",
    "different": "with other content here, which stays (--prefer theirs takes theirs)",
    "running": "running, left alone",
    "unfinished": "unfinished there",
    "refused": "refused",
    "damaged": "damaged",
}


@dataclass(frozen=True)
class Outcome:
    """What became of one trial or artefact: ``place`` names it, ``detail`` says why."""

    place: str
    action: Action
    detail: str = ""


@dataclass(frozen=True)
class MergeSummary:
    """What a merge did, or with ``dry_run`` would do.

    ``run_files``  the seals and second stages, which lie beside the trials
    """

    source: Path
    results: Path
    dry_run: bool
    trials: tuple[Outcome, ...]
    artifacts: tuple[Outcome, ...]
    run_files: tuple[Outcome, ...]

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What became of everything, trials first."""
        return (*self.trials, *self.artifacts, *self.run_files)

    def count(self, *actions: Action) -> int:
        """Return the number of things that one of ``actions`` became of."""
        return sum(outcome.action in actions for outcome in self.outcomes)

    @property
    def troubled(self) -> bool:
        """Whether anything there was damaged or refused."""
        return self.count("damaged", "refused") > 0


def merge_text(summary: MergeSummary) -> str:
    """Return a line for each trial or artefact that needs a look, and a sentence on the whole."""
    lines = [
        f"{outcome.action} {outcome.place}: {outcome.detail}"
        for action in _TOLD
        for outcome in summary.outcomes
        if outcome.action == action
    ]
    return "\n".join([*lines, _sentence(summary)])


def _sentence(summary: MergeSummary) -> str:
    verb = "would be brought" if summary.dry_run else "brought"
    brought = _things(summary, WRITES)
    parts = [f"{brought or 'nothing'} {verb}", *_rest(summary)]
    return f"From {summary.source} into {summary.results}: {'; '.join(parts)}."


def _rest(summary: MergeSummary) -> Iterator[str]:
    for action, text in _SHORT.items():
        things = _things(summary, (action,))
        if things:
            yield f"{things} {text}"


def _things(summary: MergeSummary, actions: Sequence[Action]) -> str:
    """Return how many of each kind one of ``actions`` became of: ``3 trials, 1 artefact``."""
    counts = [
        (sum(outcome.action in actions for outcome in outcomes), noun)
        for outcomes, noun in (
            (summary.trials, "trial"),
            (summary.artifacts, "artefact"),
            (summary.run_files, "record of the run"),
        )
    ]
    return ", ".join(f"{n} {noun}" if n == 1 else f"{n} {_plural(noun)}" for n, noun in counts if n)


def _plural(noun: str) -> str:
    first, separator, rest = noun.partition(" ")
    return f"{first}s{separator}{rest}"
