"""How many new seeds a second stage needs, for which claims, and which no seeds can settle."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_fixtures import SPEC, made_up_plan

from repro.cells.aggregate import Aggregate, aggregate
from repro.cells.settling import cells_to_settle
from repro.cells.verdicts import cell_verdicts
from repro.claims import ClaimVerdict, SeedsToSettle, decide, on_one_table, seeds_to_settle
from repro.errors import UserError
from repro.planning.plan import Plan
from repro.settle import (
    SecondStage,
    plan_stage,
    read_stage,
    second_plan,
    stage_problem,
    stage_sentence,
)
from repro.statistics.power import detection_power, further_seeds
from repro.trials.store import TrialFolder, TrialRecord
from repro.trials.trial import Trial

CLAIM = {"text": "It holds.", "source": "abstract", "kind": "better", "method": "bottleneck"}


def plan_of(folder: Path, seeds: int = 5, **claims: dict[str, Any]) -> Plan:
    """Return a plan with claims about Gaussian noise, unless they say more."""
    common = CLAIM | {"metric": "rmse", "than": "vib", "over": "gaussian"}
    scale = {"datasets": ["gaussian", "skewed", "diabetes"], "seeds": seeds, "settle": 60}
    return made_up_plan(
        folder,
        scales={"small": scale},
        claims=[common | {"id": name} | claim for name, claim in claims.items()],
    )


def measured(plan: Plan, sizes: Mapping[str, float]) -> Aggregate:
    """Return runs in which the method leads each rival by ``sizes`` standard deviations."""
    shape = np.linspace(-1, 1, plan.seeds)
    shape /= shape.std(ddof=1)

    def error(trial: Trial) -> float:
        size = sizes.get(trial.setting.method)
        return 10.0 if size is None else 10.0 + size + float(shape[trial.seed])

    records = [
        TrialRecord(
            trial,
            TrialFolder(plan.paths.trials / trial.trial_id),
            "done",
            metrics={"rmse": error(trial)},
        )
        for trial in plan.trials
    ]
    return aggregate(plan, records)


def judged(plan: Plan, sizes: Mapping[str, float]) -> list[ClaimVerdict]:
    return decide(plan, measured(plan, sizes))


def needed(plan: Plan, sizes: Mapping[str, float], cap: int = 60) -> SeedsToSettle:
    return seeds_to_settle(plan, judged(plan, sizes), cap)


def test_the_weakest_finding_says_how_many(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, it={"than": ["vib", "nib"]})
    found = needed(plan, {"vib": 1.1, "nib": 0.6})
    assert found == SeedsToSettle(("it",), further_seeds(0.6, 1, 0.05) or 0, (), ())
    assert found.seeds > 5
    assert needed(plan, {"vib": 1.1, "nib": 0.6}, cap=found.seeds) == found
    hopeless = needed(plan, {"vib": 1.1, "nib": 0.6}, cap=found.seeds - 1)
    assert hopeless == SeedsToSettle((), 0, ("it",), ())


def test_a_decided_claim_needs_none(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, it={})
    assert needed(plan, {"vib": 9.0}) == SeedsToSettle((), 0, (), ())


def test_what_points_the_other_way_needs_its_strongest_finding_alone(tmp_path: Path) -> None:
    """The claim is contradicted by either of two rivals, so each is judged at half the level."""
    plan = plan_of(tmp_path, it={"than": ["vib", "nib"]})
    assert needed(plan, {"vib": 0.9, "nib": -1.0}).seeds == further_seeds(1.0, 1, 0.025)


def test_at_least_one_of_two_data_sets_is_judged_at_half_the_level(tmp_path: Path) -> None:
    claim = {"over": ["gaussian", "skewed"], "on": {"at_least": 1}}
    plan = plan_of(tmp_path, it=claim)
    assert needed(plan, {"vib": 1.0}).seeds == further_seeds(1.0, 1, 0.025)
    # That neither holds must be so of both.
    assert needed(plan, {"vib": -1.0}).seeds == further_seeds(1.0, 1, 0.05)


@pytest.mark.parametrize("test", ["permutation", "wilcoxon"])
def test_a_test_that_was_asked_for_is_the_one_that_is_counted(tmp_path: Path, test: str) -> None:
    plan = plan_of(tmp_path, seeds=8, it={"test": test})
    found = needed(plan, {"vib": 0.5})
    assert found.seeds == further_seeds(0.5, 1, 0.05, test=test)  # type: ignore[arg-type]
    assert found.seeds != further_seeds(0.5, 1, 0.05)


def test_the_stage_suits_every_claim_in_it_at_once(tmp_path: Path) -> None:
    """More seeds can be fewer chances: what is enough for one claim need not be for both."""
    plan = plan_of(tmp_path, strong={}, weak={"than": "nib"})
    together = needed(plan, {"vib": 1.33, "nib": 1.1})
    assert together.claims == ("strong", "weak")
    for size in (1.33, 1.1):
        assert detection_power(size, together.seeds, 0.025) >= 0.8
    alone = [further_seeds(size, 1, 0.025) or 0 for size in (1.33, 1.1)]
    assert together.seeds >= max(alone)


def test_a_hopeless_claim_leaves_the_family_to_the_others(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, near={}, far={"than": "nib"})
    found = needed(plan, {"vib": 1.0, "nib": 0.01})
    assert found == SeedsToSettle(("near",), further_seeds(1.0, 1, 0.05) or 0, ("far",), ())


def test_new_seeds_of_one_table_settle_nothing(tmp_path: Path) -> None:
    plan = plan_of(
        tmp_path,
        free={},
        bound={"over": "diabetes"},
        mixed={"over": ["gaussian", "diabetes"]},
        mean={"over": ["gaussian", "diabetes"], "on": "mean", "compare": "log_ratio"},
    )
    assert [on_one_table(claim, plan) for claim in plan.spec.claims] == [False, True, True, True]
    found = needed(plan, {"vib": 1.0})
    bound = ("bound", "mixed", "mean")
    assert found == SeedsToSettle(("free",), further_seeds(1.0, 1, 0.05) or 0, (), bound)


def test_a_stage_names_the_claims_that_it_leaves_out(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, free={}, far={"than": "nib"}, bound={"over": "diabetes"})
    plan.paths.base.mkdir(parents=True, exist_ok=True)
    stage = plan_stage(plan, measured(plan, {"vib": 1.0, "nib": 0.01}))
    assert (stage.claims, stage.hopeless, stage.one_table) == (("free",), ("far",), ("bound",))
    assert read_stage(plan) == stage
    assert stage_sentence(stage) == (
        f"Second stage: {stage.seeds} new seeds (5 to {stage.seeds + 4}) for free; more seeds than "
        f"allowed would be needed for far; new seeds would only re-split the same table for bound."
    )


def test_a_stage_that_was_stored_before_there_was_such_a_field(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, free={})
    plan.paths.base.mkdir(parents=True, exist_ok=True)
    plan.paths.second_stage.write_text(
        '{"claims": ["free"], "hopeless": [], "first_seed": 5, "seeds": 9, "planned": "2026"}'
    )
    stage = read_stage(plan)
    assert stage is not None
    assert stage.one_table == ()
    assert stage_sentence(stage) == "Second stage: 9 new seeds (5 to 13) for free."


def test_why_nothing_can_be_settled(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, far={"than": "nib"}, bound={"over": "diabetes"})
    with pytest.raises(UserError) as refused:
        plan_stage(plan, measured(plan, {"vib": 1.0, "nib": 0.01}))
    text = str(refused.value)
    assert "more than 60 further seeds would be needed for far (`settle:`" in text
    assert text.endswith("new seeds would only re-split the same table for bound")
    assert read_stage(plan) is None


def printed(dataset: str, method: str, **changes: str) -> dict[str, Any]:
    """Return a printed number near the made-up runs', whose own error is small."""
    known = {"metric": "rmse", "value": "10.00", "n": 5, "spread": "0.01", "spread_kind": "sd"}
    return {
        "dataset": dataset,
        "method": method,
        "source": "Table 2",
        "margin": "1.0",
        **known,
    } | changes


def paper_plan(folder: Path, *numbers: dict[str, Any], **changes: Any) -> Plan:
    scale = {"datasets": ["gaussian", "skewed", "diabetes"], "seeds": 5, "settle": 60}
    plan = made_up_plan(
        folder,
        "paper",
        scales=SPEC["scales"] | {"paper": scale},
        claims=[],
        reported=list(numbers),
        **changes,
    )
    plan.paths.base.mkdir(parents=True, exist_ok=True)
    return plan


def test_a_cell_that_is_open_gets_its_seeds_and_a_verdict_of_its_own(tmp_path: Path) -> None:
    plan = paper_plan(tmp_path, printed("gaussian", "vib"), printed("skewed", "nib"))
    data = measured(plan, {"vib": 0.2, "nib": 30.0})
    first = cell_verdicts(plan, data)["gaussian", "vib", "rmse"]
    assert first.verdict == "consistent"
    stage = plan_stage(plan, data)
    assert (stage.claims, stage.cells) == ((), ("gaussian/vib/rmse",))
    assert stage.seeds == first.further_seeds
    assert stage_sentence(stage).endswith(f"(5 to {stage.seeds + 4}) for gaussian/vib/rmse.")
    second = second_plan(plan)
    assert second is not None
    run = {(t.setting.dataset, t.setting.method, t.setting.in_table) for t in second.trials}
    assert run == {("gaussian", "vib", True)}
    assert [t.seed for t in second.trials] == list(range(5, 5 + stage.seeds))


def test_a_number_or_margin_that_was_changed_ends_the_stage(tmp_path: Path) -> None:
    plan = paper_plan(tmp_path, printed("gaussian", "vib"))
    stage = plan_stage(plan, measured(plan, {"vib": 0.2}))
    assert stage_problem(plan, stage) == ""
    moved = paper_plan(tmp_path, printed("gaussian", "vib", margin="1.1"))
    assert stage_problem(moved, stage).endswith("were changed: gaussian/vib/rmse")
    assert second_plan(moved) is None


def test_what_new_seeds_cannot_settle_of_cells(tmp_path: Path) -> None:
    plan = paper_plan(
        tmp_path,
        printed("diabetes", "vib", margin="1.6"),
        printed("gaussian", "vib", spread="0.5"),
        printed("skewed", "nib", margin="0.3", spread="0.01"),
        printed("gaussian", "mse", spread="", spread_kind=""),
    )
    data = measured(plan, {"vib": 0.2, "nib": 0.1, "mse": 0.2})
    cells = cells_to_settle(plan, data)
    assert {cell: found.outlook for cell, found in cells.prospects.items()} == {
        "diabetes/vib/rmse": "one_table",
        "gaussian/vib/rmse": "same_number",
        "skewed/nib/rmse": "hopeless",
        "gaussian/mse/rmse": "no_spread",
    }
    with pytest.raises(UserError) as refused:
        plan_stage(plan, data)
    assert "no undecided claim or cell that more seeds could settle" in str(refused.value)
    assert "the printed number itself errs too much" in str(refused.value)
    no_spread = "the paper prints no spread that a test could use for gaussian/mse/rmse"
    assert str(refused.value).endswith(no_spread)


def test_a_stage_of_claims_and_cells_has_seeds_for_both(tmp_path: Path) -> None:
    claim = CLAIM | {"id": "free", "metric": "rmse", "than": "vib", "over": "gaussian"}
    scale = {"datasets": ["gaussian"], "seeds": 5, "settle": 60}
    changes = {"scales": SPEC["scales"] | {"paper": scale}, "claims": [claim]}
    alone = made_up_plan(tmp_path / "alone", "paper", **changes)
    number = printed("gaussian", "nib", margin="0.45")
    both = made_up_plan(tmp_path / "both", "paper", **changes, reported=[number])
    sizes = {"vib": 1.0, "nib": 0.0}
    for plan in (alone, both):
        plan.paths.base.mkdir(parents=True, exist_ok=True)
    cells = cells_to_settle(both, measured(both, sizes))
    first, stage = (plan_stage(plan, measured(plan, sizes)) for plan in (alone, both))
    assert (stage.claims, stage.cells) == (("free",), ("gaussian/nib/rmse",))
    assert first.seeds < cells.seeds <= stage.seeds


def test_a_cell_leaves_a_stage_that_grew_beyond_what_its_printed_error_allows(
    tmp_path: Path,
) -> None:
    near, wide = printed("gaussian", "vib", spread="0.06"), printed("skewed", "nib", margin="0.6")
    plan = paper_plan(tmp_path, near, wide)
    data = measured(plan, {"vib": 0.2, "nib": 0.1})
    cells = cells_to_settle(plan, data)
    assert cells.with_outlook("settles") == ("gaussian/vib/rmse", "skewed/nib/rmse")
    assert 0 < cells.prospects["gaussian/vib/rmse"].most < cells.seeds
    stage = plan_stage(plan, data)
    assert stage.cells == ("skewed/nib/rmse",)
    assert stage.same_number == ("gaussian/vib/rmse",)
    assert stage.seeds == cells.seeds
    # It was not the larger stage's cell that made it leave.
    alone = paper_plan(tmp_path / "alone", near)
    assert plan_stage(alone, measured(alone, {"vib": 0.2})).cells == ("gaussian/vib/rmse",)


def test_many_names_are_told_in_short(tmp_path: Path) -> None:
    names = tuple(f"far{number}" for number in range(9))
    stage = SecondStage(("it",), names, first_seed=5, seeds=3, planned="2026")
    assert "would be needed for far0, far1, far2, far3, far4, far5 and 3 more." in (
        stage_sentence(stage)
    )
