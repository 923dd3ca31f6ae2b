"""The sentences that say in plain words how a cell stands against the printed number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from repro.cells.aggregate import Cell
from repro.spec import Metric, Reported
from repro.spec.reported import amount_of
from repro.statistics.against_printed import AgainstPrinted, OurStatistic, PrintedStatistic
from repro.statistics.estimate import Estimate
from repro.statistics.settling import Prospect

_UNFINISHED = ("missing", "running", "failed", "lost", "stale")


@dataclass(frozen=True)
class Wording:
    """Sentences about one printed number. ``cap``: the most seeds that a second stage may add."""

    metric: Metric
    number: Reported
    paper: PrintedStatistic
    cap: int = 0

    def exact(self, runs: int) -> str:
        """Say that nothing varies and all is as printed."""
        return f"All {runs} runs give one value, which rounds to the printed {self.number.value}."

    def undeclared(self, found: AgainstPrinted) -> str:
        """Say that there is no margin to judge by."""
        reason = "the spec declares no margin, so nothing says how far is too far"
        return f"Not comparable: {reason}; {self._difference(found)}."

    def single_run(self, value: float, margin: float | None) -> str:
        """Say where a single run of ours lies; that is no test."""
        difference = value - self.paper.value
        text = f"A single run of ours, {self._signed(difference)} from {self._printed}"
        if margin is not None:
            place = "within" if abs(difference) < margin else "outside"
            text += f", {place} {self._bound}"
        return f"{text}; one run is no test.{self._among_the_papers_runs(value)}"

    def compared(
        self,
        found: AgainstPrinted,
        ours: OurStatistic,
        margin: float,
        prospect: Prospect | None,
        prediction: tuple[float, float] | None,
        resplit: float = 0.0,
        shared: str = "",
    ) -> str:
        """Say where the interval lies, what it rests on, and what would settle it."""
        text = f"{self._difference(found)}: {self._place(found, margin)}."
        parts = [text[0].upper() + text[1:], *self._basis(found, ours)]
        if self.number.statistic == "single run" and prediction is not None:
            parts.append(self._predicted(prediction))
        if self.metric.better == "neither":
            parts.append(
                "Neither direction is better here: exceeds means above, falls short below."
            )
        if prospect is not None:
            parts += self._to_settle(prospect)
        if resplit > 0:
            parts.append(conditional())
        if shared:
            parts.append(f"It is {shared}.")
        return " ".join(parts)

    def _to_settle(self, prospect: Prospect) -> Iterator[str]:
        """Say what a second stage would do. That there is no printed spread is said elsewhere."""
        if prospect.outlook == "settles":
            yield f"About {prospect.seeds} new seeds would settle it."
        elif prospect.outlook == "hopeless":
            yield (
                f"More new seeds than the {self.cap} that a second stage may add would be needed "
                f"to settle it."
            )
        elif prospect.outlook == "same_number":
            yield (
                "New seeds would not settle it: the printed number itself errs too much, in a "
                "second stage as in the first."
            )
        elif prospect.outlook == "one_table":
            yield "New seeds would not settle it."

    @property
    def _bound(self) -> str:
        """The margin as it was declared, and what rounding in the paper adds to it."""
        declared = amount_of(self.number.margin, self.number)
        return f"the margin of ±{declared:.4g}, plus half of the last printed digit"

    @property
    def _printed(self) -> str:
        return f"the printed {self.number.value}"

    def _difference(self, found: AgainstPrinted) -> str:
        text = f"ours minus {self._printed} is {self._signed(found.difference)}"
        if found.interval is None:
            return f"{text} in every run"
        low, high = map(self._signed, found.interval)
        return f"{text}, 90 % interval {low} to {high}"

    def _place(self, found: AgainstPrinted, margin: float) -> str:
        bound = self._bound
        if found.place in ("exceeds", "falls short"):
            return f"{self._beyond(found.place)} by more than {bound}"
        low, high = found.interval or (found.difference, found.difference)
        if -margin < low and high < margin:
            return f"within {bound}"
        if low > margin or high < -margin:
            return f"beyond {bound}"
        return f"across {bound}"

    def _beyond(self, place: str) -> str:
        if self.metric.better == "neither":
            return "above" if place == "exceeds" else "below"
        return "better" if place == "exceeds" else "worse"

    def _basis(self, found: AgainstPrinted, ours: OurStatistic) -> Iterator[str]:
        if self.number.statistic == "best":
            yield f"Ours is the expected best of {self.number.n} runs, estimated from {ours.n}."
        if not found.borrowed:
            return
        unknown = "The paper prints no spread that a test could use"
        if not ours.varies:
            yield f"{unknown}, and our runs do not vary: no more than consistent can be said."
        else:
            yield f"{unknown}; ours stands in for it, so no more than consistent can be said."

    def _predicted(self, interval: tuple[float, float]) -> str:
        low, high = interval
        side = "inside" if low <= self.paper.value <= high else "outside"
        return (
            f"The paper's single run lies {side} the 95 % prediction interval of a run of ours "
            f"({self._plain(low)} to {self._plain(high)})."
        )

    def _among_the_papers_runs(self, value: float) -> str:
        """Say where a run of ours lies among the paper's, if it prints how they vary."""
        mean = self.paper.mean
        if mean is None or self.number.statistic != "mean":
            return ""
        # A further run errs by its own variance, n times the mean's, and by the mean's.
        error = mean.standard_error * math.sqrt(self.number.n + 1)
        low, high = Estimate(mean.value, error, mean.degrees_of_freedom).interval(0.025, 0.025)
        side = "inside" if low <= value <= high else "outside"
        return (
            f" It lies {side} the 95 % prediction interval for a run that the paper's mean and "
            f"spread give ({self._plain(low)} to {self._plain(high)})."
        )

    def _plain(self, value: float) -> str:
        return self._format(value, "")

    def _signed(self, value: float) -> str:
        return self._format(value, "+")

    def _format(self, value: float, sign: str) -> str:
        # One decimal more than the table: half a digit is part of the margin.
        form = ".3e" if abs(value) >= 1e7 else f".{self.metric.decimals + 1}f"
        return format(value, sign + form)


def conditional(tables: Sequence[str] = ()) -> str:
    """Say that the seeds vary nothing but how a finite table is split.

    ``tables``  the labels of the data sets that this holds for; none where there is but one
    """
    where = f"On {' and '.join(tables)} it is" if tables else "It is"
    if len(tables) > 1:
        return f"{where} conditional on these tables: the seeds only split them anew."
    return f"{where} conditional on this table: the seeds only split it anew."


def on_what_seeds_share(shared: Sequence[tuple[str, str]]) -> str:
    """Say on what a verdict is conditional, since none of the seeds replicates it.

    ``shared``  (what all seeds have in common, the label of its data set)
    """
    labels: dict[str, list[str]] = {}
    for what, label in shared:
        labels.setdefault(what, []).append(label)
    listed = "; ".join(f"{what} ({', '.join(own)})" for what, own in labels.items())
    return f"conditional on what all seeds share: {listed}"


def obstacle(cell: Cell | None, *, partial: bool) -> str:
    """Return why the cell has no verdict; empty if it may have one."""
    if partial:
        return "a partial selection decides nothing new"
    if cell is None:
        return "the cell is not run at this scale"
    if cell.state in ("complete", "single run"):
        return ""
    if cell.state == "not comparable":
        return "the metric has no meaningful mean on this data set"
    if cell.state == "diverged":
        return f"{cell.diverged} of {cell.planned} runs diverged"
    counts = [f"{cell.trials(state)} {state}" for state in _UNFINISHED if cell.trials(state)]
    return f"{len(cell.values)} of {cell.planned} runs are there ({', '.join(counts)})"


def no_statistic(runs: int, number: Reported) -> str:
    """Return why ``runs`` runs of ours do not give the statistic that the paper prints."""
    if number.statistic == "best" and runs < number.n:
        return (
            f"the paper prints the best of {number.n} runs, and {runs} of ours cannot say what the "
            f"best of {number.n} would be"
        )
    return "the values are too large to be compared"
