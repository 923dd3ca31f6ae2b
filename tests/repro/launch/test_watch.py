"""The state machine behind every launcher, with a launcher that does what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_fixtures import made_up_plan, metrics_of, store_result

from repro.launch.launcher import Order
from repro.launch.watch import rest_after, run_to_the_end
from repro.planning.estimate import Estimate
from repro.planning.plan import Plan
from repro.trials.attempts import finish_attempt, start_attempt
from repro.trials.store import create
from repro.trials.trial import Trial


class FakeLauncher:
    """Calls ``work`` on each trial that it is given; nothing runs afterwards."""

    places = 1
    poll_seconds = 0.0

    def __init__(self, plan: Plan, work: Callable[[Trial], None]) -> None:
        self.plan, self.work = plan, work
        self.orders: list[list[str]] = []
        self.silences = 0
        self.cancelled: set[str] = set()
        self.told: dict[str, str] = {}

    def start(self, order: Order) -> Collection[str]:
        self.orders.append([trial.trial_id for trial in order.trials])
        for trial in order.trials:
            self.work(trial)
        return set(self.orders[-1])

    def held(self) -> set[str] | None:
        self.silences -= 1
        return None if self.silences >= 0 else set()

    def reinforce(self, waiting: Collection[str]) -> None:
        pass

    def given_up(self) -> set[str]:
        return set(self.cancelled)

    def has_ended(self, job: str) -> bool:
        return False

    def reasons(self, open_attempts: Mapping[str, dict[str, Any]]) -> dict[str, str]:
        return {name: self.told.get(name, "lost: x") for name in open_attempts}

    def last_words(self, trial: str) -> str:
        return "no such image"

    def notes(self, order: Order) -> list[str]:
        return []

    def stop(self) -> str:
        return ""


class Quiet:
    def update(self, *_: Any) -> None:
        pass


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return made_up_plan(tmp_path, scale="smoke")


def watch(plan: Plan, launcher: FakeLauncher) -> list[str]:
    trials = plan.trials[:2]
    for trial in trials:
        create(trial, plan.paths.trials)
    troubles = run_to_the_end(plan, trials, launcher, Quiet(), Estimate([], 1.0))
    assert troubles.cancelled is any("cancelled" in line for line in troubles.lines)
    return list(troubles.lines)


def finish(plan: Plan, trial: Trial) -> None:
    store_result(plan, trial, metrics_of(trial, np.random.default_rng(0)))


def die(plan: Plan, trial: Trial) -> None:
    """Begin an attempt and leave it open, as a process does that is killed with its job."""
    folder = plan.folder(trial)
    folder.path.mkdir(parents=True, exist_ok=True)
    start_attempt(folder.attempts)


def test_what_nobody_has_is_started_once(plan: Plan) -> None:
    launcher = FakeLauncher(plan, lambda trial: finish(plan, trial))
    assert watch(plan, launcher) == []
    assert launcher.orders == [[trial.trial_id for trial in plan.trials[:2]]]


def test_nothing_is_concluded_while_the_queue_is_silent(plan: Plan) -> None:
    launcher = FakeLauncher(plan, lambda trial: finish(plan, trial))
    launcher.silences = 3
    watch(plan, launcher)
    assert len(launcher.orders) == 1


def test_what_is_lost_goes_on_until_the_rule_ends_it(plan: Plan) -> None:
    launcher = FakeLauncher(plan, lambda trial: die(plan, trial))
    assert watch(plan, launcher) == []
    assert len(launcher.orders) == 5
    assert {record.state for record in plan.records(plan.trials[:2])} == {"failed"}


def test_what_the_cluster_took_goes_on_as_often_as_it_takes(plan: Plan) -> None:
    left = 12

    def preempted(trial: Trial) -> None:
        nonlocal left
        left -= 1
        if left > 0:
            die(plan, trial)
        else:
            finish(plan, trial)

    launcher = FakeLauncher(plan, preempted)
    launcher.told = dict.fromkeys((t.trial_id for t in plan.trials), "preempted: job 7")
    assert watch(plan, launcher) == []
    assert len(launcher.orders) > 5


def test_a_worker_that_never_begins_is_given_up_with_its_last_words(plan: Plan) -> None:
    launcher = FakeLauncher(plan, lambda trial: None)
    assert watch(plan, launcher) == ["2 trials could not be begun: no such image"]
    assert len(launcher.orders) == 3


def test_a_disk_that_fails_each_time_is_given_up_with_its_reason(plan: Plan) -> None:
    def unlucky(trial: Trial) -> None:
        die(plan, trial)
        finish_attempt(plan.folder(trial).attempts, "disk: cannot write x: the disk is full")

    launcher = FakeLauncher(plan, unlucky)
    (line,) = watch(plan, launcher)
    assert line.startswith("2 trials could not be begun: disk: cannot write x")
    assert len(launcher.orders) == 3


def test_what_is_cancelled_meanwhile_is_not_started_again(plan: Plan) -> None:
    def cancelled(trial: Trial) -> None:
        launcher.cancelled.add(trial.trial_id)

    launcher = FakeLauncher(plan, cancelled)
    assert watch(plan, launcher) == ["2 trials were cancelled."]
    assert len(launcher.orders) == 1


def test_what_was_cancelled_before_and_is_cancelled_again_is_not_started_again(plan: Plan) -> None:
    def given_up() -> set[str]:
        # Cancelled by an earlier call; then in the queue again; then cancelled again.
        return set() if len(looks) == 1 else {trial.trial_id for trial in plan.trials}

    looks: list[int] = []
    launcher = FakeLauncher(plan, lambda trial: None)
    launcher.given_up = lambda: (given_up(), looks.append(1))[0]  # type: ignore[method-assign]
    assert watch(plan, launcher) == ["2 trials were cancelled."]
    assert len(launcher.orders) == 2


def test_what_was_cancelled_before_is_started(plan: Plan) -> None:
    launcher = FakeLauncher(plan, lambda trial: finish(plan, trial))
    launcher.cancelled = {trial.trial_id for trial in plan.trials}
    assert watch(plan, launcher) == []


def test_what_was_cancelled_stays_so_when_the_queue_has_forgotten_it(plan: Plan) -> None:
    """SLURM forgets a job some minutes after its end, while others may run for days."""
    cancelled, other = plan.trials[:2]
    launcher = FakeLauncher(plan, lambda trial: None)
    answers = iter([set(), {cancelled.trial_id}, set(), set()])

    def given_up() -> set[str]:
        found = next(answers, None)
        if found is None:
            finish(plan, other)
        return found or set()

    launcher.given_up = given_up  # type: ignore[method-assign]
    launcher.held = lambda: {other.trial_id}  # type: ignore[method-assign]
    assert watch(plan, launcher) == ["1 trials were cancelled."]
    assert launcher.orders == [[cancelled.trial_id]]


@pytest.mark.parametrize(("look", "rest"), [(0.001, 0.25), (0.1, 2.0), (3.0, 5.0)])
def test_looks_at_thousands_of_trials_leave_the_processor_to_the_workers(look, rest):
    assert rest_after(look, 0.25) == pytest.approx(rest)


def test_a_launcher_that_looks_seldom_looks_no_oftener():
    assert rest_after(3.0, 30.0) == 30.0


def test_what_could_not_be_begun_here_may_be_finished_by_another_call(plan: Plan) -> None:
    slow, other = plan.trials[:2]
    launcher = FakeLauncher(plan, lambda trial: None)
    looks: list[int] = []

    def held() -> set[str]:
        looks.append(1)
        if len(looks) == 8:
            finish(plan, other)
        if len(looks) == 10:
            finish(plan, slow)
        return {slow.trial_id}

    launcher.held = held  # type: ignore[method-assign]
    assert watch(plan, launcher) == []
    assert launcher.orders == [[other.trial_id]] * 3


def test_a_trial_that_workers_did_not_come_to_is_ordered_again(plan: Plan) -> None:
    """Its job dies with the trials before it: that says nothing against this one."""
    first, last = plan.trials[:2]
    deaths = 6

    def work(trial: Trial) -> None:
        nonlocal deaths
        if trial == first:
            deaths -= 1
            die(plan, trial)
        if deaths <= 0:
            finish(plan, trial)

    launcher = FakeLauncher(plan, work)
    launcher.told = {first.trial_id: "node failure: job 7"}
    assert watch(plan, launcher) == []
    assert len(launcher.orders) == 6
    assert last.trial_id in launcher.orders[-1]
