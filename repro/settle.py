"""The second stage: one more run, of a size that the first stage's variance fixes.

What the first stage left undecided is tested again on new seeds alone. The first stage's verdicts
stay, and the second's stand beside them. There is no third: to look again and again until a test
is significant is how a 5 % test errs in 14 % of cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from repro.errors import UserError
from repro.files import read_json, write_json
from repro.planning.plan import Plan, places, table_settings_of
from repro.planning.seal import sealed_number, sealed_parts
from repro.spec import Claim
from repro.trials.store import TrialRecord
from repro.trials.trial import Trial

if TYPE_CHECKING:
    from repro.cells.aggregate import Aggregate


@dataclass(frozen=True)
class SecondStage:
    """What was planned, once: ``claims`` by id and ``cells`` by address, on ``seeds`` new seeds.

    The new seeds begin at ``first_seed``. What was open as well, but is not tested again:

    ``hopeless``     would need more seeds than the cap
    ``one_table``    has seeds that split one table again
    ``same_number``  cells whose printed number errs by too much itself
    ``no_spread``    cells whose printed number errs by nobody knows how much
    ``sealed``       the hash of each of the stage's claims and numbers when it was planned
    """

    claims: tuple[str, ...]
    hopeless: tuple[str, ...]
    first_seed: int
    seeds: int
    planned: str
    one_table: tuple[str, ...] = ()
    cells: tuple[str, ...] = ()
    same_number: tuple[str, ...] = ()
    no_spread: tuple[str, ...] = ()
    sealed: dict[str, str] = field(default_factory=dict)


_LISTS = ("claims", "hopeless", "one_table", "cells", "same_number", "no_spread")
#: So many names are printed of a list; the file has all.
_NAMED = 6


def read_stage(plan: Plan) -> SecondStage | None:
    """Return the second stage of the plan's paper and scale; ``None`` where none was planned."""
    stored = read_json(plan.paths.second_stage)
    if stored is None:
        return None
    # A stage of an earlier version has no cells.
    return SecondStage(
        **{name: tuple(stored.get(name, ())) for name in _LISTS},
        first_seed=int(stored["first_seed"]),
        seeds=int(stored["seeds"]),
        planned=str(stored["planned"]),
        sealed=dict(stored.get("sealed", {})),
    )


def plan_stage(plan: Plan, data: Aggregate) -> SecondStage:
    """Fix the second stage and write it down; a stage planned earlier stays as it is.

    ``data``  the first stage's trials

    Raises ``UserError`` where there is nothing that more seeds could settle.
    """
    stage = draft_stage(plan, data)
    if read_stage(plan) is None:
        write_json(plan.paths.second_stage, vars(stage))
    return stage


def draft_stage(plan: Plan, data: Aggregate) -> SecondStage:
    """Return what :func:`plan_stage` would fix, and write nothing."""
    from repro.cells.settling import cells_to_settle
    from repro.claims import decide, seeds_to_settle

    earlier = read_stage(plan)
    if earlier is not None:
        return earlier
    cap = plan.scale.settle
    cells = cells_to_settle(plan, data)
    verdicts = decide(plan, data)
    claims = seeds_to_settle(plan, verdicts, cap, at_least=cells.seeds)
    # A cell that so many seeds are too many for leaves the stage, which may then be smaller.
    while (kept := cells.over(claims.seeds)) != cells:
        cells = kept
        claims = seeds_to_settle(plan, verdicts, cap, at_least=cells.seeds)
    tested = cells.with_outlook("settles")
    stage = SecondStage(
        claims=claims.claims,
        cells=tested,
        hopeless=(*claims.hopeless, *cells.with_outlook("hopeless")),
        one_table=(*claims.one_table, *cells.with_outlook("one_table")),
        same_number=cells.with_outlook("same_number"),
        no_spread=cells.with_outlook("no_spread"),
        first_seed=plan.seeds,
        seeds=claims.seeds,
        planned=datetime.now(UTC).isoformat(timespec="seconds"),
        sealed=_sealed(plan, (*claims.claims, *tested)),
    )
    if not stage.claims and not stage.cells:
        raise UserError(_nothing_to_settle(plan, stage, cap))
    return stage


def second_plan(plan: Plan) -> Plan | None:
    """Return the plan of the second stage's trials; ``None`` where there is none that may decide.

    Only what its claims and cells are about runs again. A partial selection has no second stage.
    """
    stage = read_stage(plan)
    return None if stage is None else plan_of(plan, stage)


def plan_of(plan: Plan, stage: SecondStage) -> Plan | None:
    """Return the plan of the trials of ``stage``; ``None`` where it may decide nothing."""
    if plan.partial or stage_problem(plan, stage):
        return None
    trials = tuple(_trials(plan, stage))
    return replace(plan, seeds=stage.seeds, trials=trials)


def stage_problem(plan: Plan, stage: SecondStage) -> str:
    """Say why a stage that was planned decides nothing any more; empty where it does."""
    if plan.seeds > stage.first_seed:
        return (
            f"The second stage decides nothing: its seeds begin at {stage.first_seed}, and the "
            f"table's now reach {plan.seeds - 1}"
        )
    tested = (*stage.claims, *stage.cells)
    present = _sealed(plan, tested)
    changed = [name for name in tested if present.get(name) != stage.sealed.get(name)]
    if changed:
        what = "claims and printed numbers" if stage.cells else "claims"
        return (
            f"The second stage decides nothing: since it was planned, these of its {what} were "
            f"changed: {', '.join(changed)}"
        )
    return ""


def _sealed(plan: Plan, names: Sequence[str]) -> dict[str, str]:
    """Return the hash of each claim by its id, and of each printed number by its cell's address."""
    from repro.cells.settling import address_of

    parts = sealed_parts(plan.spec, plan.scale_name)
    hashes = {claim.id: parts[f"claims.{claim.id}"] for claim in plan.spec.claims}
    hashes |= {address_of(number): sealed_number(number) for number in plan.spec.reported}
    return {name: hashes[name] for name in names if name in hashes}


def all_records(plan: Plan) -> list[TrialRecord]:
    """Return the present state of every trial: tuning's, the table's, the second stage's."""
    second = second_plan(plan)
    later = [] if second is None else second.records()
    return [*plan.records(plan.tuning_trials), *plan.records(), *later]


def stage_claims(plan: Plan, stage: SecondStage) -> list[Claim]:
    """Return the claims that the stage tests: its family."""
    return [claim for claim in plan.spec.claims if claim.id in stage.claims]


def stage_sentence(stage: SecondStage) -> str:
    """Say what the stage is, for the terminal and the report."""
    last = stage.first_seed + stage.seeds - 1
    text = (
        f"Second stage: {stage.seeds} new seeds ({stage.first_seed} to {last}) for "
        f"{', '.join((*stage.claims, *stage.cells))}"
    )
    if stage.hopeless:
        text += f"; more seeds than allowed would be needed for {_listed(stage.hopeless)}"
    return "; ".join([text, *_out_of_reach(stage)]) + "."


def _trials(plan: Plan, stage: SecondStage) -> Iterator[Trial]:
    from repro.claims.scope import takes

    claims = stage_claims(plan, stage)
    cells = {address.rpartition("/")[0] for address in stage.cells}
    settings = [
        setting
        for place in places(plan)
        for setting in table_settings_of(plan, place)
        if any(takes(claim, setting, plan.spec) for claim in claims)
        or (setting.in_table and f"{setting.dataset}/{setting.method}" in cells)
    ]
    for seed in range(stage.first_seed, stage.first_seed + stage.seeds):
        for setting in settings:
            yield Trial(setting, seed)


def _nothing_to_settle(plan: Plan, stage: SecondStage, cap: int) -> str:
    where = f"SETTLE: {plan.spec.paper} at scale {plan.scale_name}"
    why = []
    if stage.hopeless:
        why.append(
            f"more than {cap} further seeds would be needed for {_listed(stage.hopeless)} "
            f"(`settle:` under the scale in the spec raises the cap)"
        )
    why += _out_of_reach(stage)
    nothing = f"{where} has no undecided claim or cell that more seeds could settle"
    return f"{nothing}: {'; '.join(why)}" if why else nothing


def _out_of_reach(stage: SecondStage) -> Iterator[str]:
    """Say what new seeds cannot settle, however many."""
    if stage.one_table:
        yield f"new seeds would only re-split the same table for {_listed(stage.one_table)}"
    if stage.same_number:
        yield (
            f"the printed number itself errs too much, in a second stage as in the first, for "
            f"{_listed(stage.same_number)}"
        )
    if stage.no_spread:
        yield f"the paper prints no spread that a test could use for {_listed(stage.no_spread)}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
