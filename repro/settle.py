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
from repro.plan import Plan, places, table_settings_of
from repro.seal import sealed_parts
from repro.spec import Claim
from repro.store import TrialRecord
from repro.trial import Setting, Trial

if TYPE_CHECKING:
    from repro.claims import ClaimVerdict, SeedsToSettle


@dataclass(frozen=True)
class SecondStage:
    """What was planned, once: ``claims`` by id, on ``seeds`` new seeds from ``first_seed``.

    ``hopeless``   claims that were undecided as well, but would need more seeds than the cap
    ``one_table``  claims that were undecided as well, but whose seeds split one table again
    ``sealed``     the hash of each of the stage's claims when it was planned
    """

    claims: tuple[str, ...]
    hopeless: tuple[str, ...]
    first_seed: int
    seeds: int
    planned: str
    one_table: tuple[str, ...] = ()
    sealed: dict[str, str] = field(default_factory=dict)


def read_stage(plan: Plan) -> SecondStage | None:
    """Return the second stage of the plan's paper and scale; ``None`` where none was planned."""
    stored = read_json(plan.paths.second_stage)
    if stored is None:
        return None
    # A stage of an earlier version has no claims on one table.
    names = {name: tuple(stored.get(name, ())) for name in ("claims", "hopeless", "one_table")}
    return SecondStage(
        **names,
        first_seed=int(stored["first_seed"]),
        seeds=int(stored["seeds"]),
        planned=str(stored["planned"]),
        sealed=dict(stored.get("sealed", {})),
    )


def plan_stage(plan: Plan, verdicts: Sequence[ClaimVerdict]) -> SecondStage:
    """Fix the second stage and write it down; a stage planned earlier stays as it is.

    Raises ``UserError`` where there is nothing that more seeds could settle.
    """
    stage = draft_stage(plan, verdicts)
    if read_stage(plan) is None:
        write_json(plan.paths.second_stage, vars(stage))
    return stage


def draft_stage(plan: Plan, verdicts: Sequence[ClaimVerdict]) -> SecondStage:
    """Return what :func:`plan_stage` would fix, and write nothing."""
    from repro.claims import seeds_to_settle

    earlier = read_stage(plan)
    if earlier is not None:
        return earlier
    cap = plan.scale.settle
    needed = seeds_to_settle(plan, verdicts, cap)
    if not needed.claims:
        raise UserError(_nothing_to_settle(plan, needed, cap))
    return SecondStage(
        claims=needed.claims,
        hopeless=needed.hopeless,
        one_table=needed.one_table,
        first_seed=plan.seeds,
        seeds=needed.seeds,
        planned=datetime.now(UTC).isoformat(timespec="seconds"),
        sealed=_sealed(plan, needed.claims),
    )


def second_plan(plan: Plan) -> Plan | None:
    """Return the plan of the second stage's trials; ``None`` where there is none that may decide.

    Only what its claims are about runs again. A partial selection has no second stage.
    """
    stage = read_stage(plan)
    return None if stage is None else plan_of(plan, stage)


def plan_of(plan: Plan, stage: SecondStage) -> Plan | None:
    """Return the plan of the trials of ``stage``; ``None`` where it may decide nothing."""
    if plan.partial or stage_problem(plan, stage):
        return None
    trials = tuple(_trials(plan, stage, stage_claims(plan, stage)))
    return replace(plan, seeds=stage.seeds, trials=trials)


def stage_problem(plan: Plan, stage: SecondStage) -> str:
    """Say why a stage that was planned decides nothing any more; empty where it does."""
    if plan.seeds > stage.first_seed:
        return (
            f"The second stage decides nothing: its seeds begin at {stage.first_seed}, and the "
            f"table's now reach {plan.seeds - 1}"
        )
    present = _sealed(plan, stage.claims)
    changed = [claim for claim in stage.claims if present.get(claim) != stage.sealed.get(claim)]
    if changed:
        return (
            f"The second stage decides nothing: since it was planned, these of its claims were "
            f"changed: {', '.join(changed)}"
        )
    return ""


def _sealed(plan: Plan, claims: Sequence[str]) -> dict[str, str]:
    parts = sealed_parts(plan.spec, plan.scale_name)
    return {claim: parts[f"claims.{claim}"] for claim in claims if f"claims.{claim}" in parts}


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
        f"{', '.join(stage.claims)}"
    )
    if stage.hopeless:
        text += f"; more seeds than allowed would be needed for {', '.join(stage.hopeless)}"
    if stage.one_table:
        text += f"; {_one_table(stage.one_table)}"
    return f"{text}."


def _trials(plan: Plan, stage: SecondStage, claims: Sequence[Claim]) -> Iterator[Trial]:
    settings = [
        setting
        for place in places(plan)
        for setting in table_settings_of(plan, place)
        if any(_speaks_of(claim, setting, plan) for claim in claims)
    ]
    for seed in range(stage.first_seed, stage.first_seed + stage.seeds):
        for setting in settings:
            yield Trial(setting, seed)


def _speaks_of(claim: Claim, setting: Setting, plan: Plan) -> bool:
    """Say whether a claim's test takes trials of ``setting``."""
    from repro.claims.scope import datasets_of, needs_sweep, rivals_of

    methods = {claim.method, claim.reference, *rivals_of(claim, plan.spec)}
    if setting.method not in methods or setting.dataset not in datasets_of(claim, plan.spec):
        return False
    if not needs_sweep(claim):
        return setting.in_table
    # A rival without the axis stands beside the sweep with its cell of the table.
    on_axis = claim.along in setting.swept if claim.along else bool(setting.swept)
    return setting.in_sweep if on_axis else setting.in_table


def _nothing_to_settle(plan: Plan, needed: SeedsToSettle, cap: int) -> str:
    where = f"SETTLE: {plan.spec.paper} at scale {plan.scale_name}"
    why = []
    if needed.hopeless:
        why.append(
            f"more than {cap} further seeds would be needed for {', '.join(needed.hopeless)} "
            f"(`settle:` under the scale in the spec raises the cap)"
        )
    if needed.one_table:
        why.append(_one_table(needed.one_table))
    nothing = f"{where} has no undecided claim that more seeds could settle"
    return f"{nothing}: {'; '.join(why)}" if why else nothing


def _one_table(claims: Sequence[str]) -> str:
    return f"new seeds would only re-split the same table for {', '.join(claims)}"
