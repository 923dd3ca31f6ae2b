"""The second stage: one more run, of a size that the first stage's variance fixes.

What the first stage left undecided is tested again on new seeds alone. The first stage's verdicts
stay, and the second's stand beside them. There is no third: to look again and again until a test
is significant is how a 5 % test errs in 14 % of cases.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from repro.errors import UserError
from repro.files import read_json, write_json
from repro.plan import Plan, places, table_settings_of
from repro.spec import Claim
from repro.store import TrialRecord
from repro.trial import Setting, Trial

if TYPE_CHECKING:
    from repro.claims import ClaimVerdict


@dataclass(frozen=True)
class SecondStage:
    """What was planned, once: ``claims`` by id, on ``seeds`` new seeds from ``first_seed``.

    ``hopeless``  claims that were undecided as well, but would need more seeds than the cap
    """

    claims: tuple[str, ...]
    hopeless: tuple[str, ...]
    first_seed: int
    seeds: int
    planned: str


def read_stage(plan: Plan) -> SecondStage | None:
    """Return the second stage of the plan's paper and scale; ``None`` where none was planned."""
    stored = read_json(plan.paths.second_stage)
    if stored is None:
        return None
    names = {name: tuple(stored[name]) for name in ("claims", "hopeless")}
    return SecondStage(
        **names,
        first_seed=int(stored["first_seed"]),
        seeds=int(stored["seeds"]),
        planned=str(stored["planned"]),
    )


def plan_stage(plan: Plan, verdicts: Sequence[ClaimVerdict]) -> SecondStage:
    """Fix the second stage and write it down; a stage planned earlier stays as it is.

    Raises ``UserError`` where there is nothing that more seeds could settle.
    """
    from repro.claims import seeds_to_settle

    earlier = read_stage(plan)
    if earlier is not None:
        return earlier
    cap = plan.scale.settle
    needs = seeds_to_settle(plan, verdicts, cap)
    within = {claim: seeds for claim, seeds in needs.items() if seeds is not None}
    if not within:
        raise UserError(_nothing_to_settle(plan, needs, cap))
    stage = SecondStage(
        claims=tuple(within),
        hopeless=tuple(claim for claim, seeds in needs.items() if seeds is None),
        first_seed=plan.seeds,
        seeds=max(within.values()),
        planned=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    write_json(plan.paths.second_stage, vars(stage))
    return stage


def second_plan(plan: Plan) -> Plan | None:
    """Return the plan of the second stage's trials; ``None`` where none was planned.

    Only what its claims are about runs again. A partial selection has no second stage.
    """
    stage = read_stage(plan)
    if stage is None or plan.partial:
        return None
    trials = tuple(_trials(plan, stage, stage_claims(plan, stage)))
    return replace(plan, seeds=stage.seeds, trials=trials)


def all_records(plan: Plan) -> list[TrialRecord]:
    """Return the present state of every trial: tuning's, the table's, the second stage's."""
    second = second_plan(plan)
    later = [] if second is None else second.records()
    return [*plan.records(plan.tuning_trials), *plan.records(), *later]


def stage_claims(plan: Plan, stage: SecondStage) -> list[Claim]:
    """Return the claims that the stage tests: its family. A claim removed since is none."""
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
    return setting.in_sweep if needs_sweep(claim) else setting.in_table


def _nothing_to_settle(plan: Plan, needs: dict[str, int | None], cap: int) -> str:
    where = f"SETTLE: {plan.spec.paper} at scale {plan.scale_name}"
    if not needs:
        return f"{where} has no undecided claim that more seeds could settle"
    return (
        f"{where}: each undecided claim ({', '.join(needs)}) would need more than {cap} further "
        f"seeds; `settle:` under the scale in the spec raises the cap"
    )
