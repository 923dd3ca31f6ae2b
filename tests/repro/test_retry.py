"""Which trials go on: the rule over the reasons of their attempts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repro.execution.retry import failure, kind_of, may_go_on

FREE = ["preempted: x", "requeued: x", "node failure: x", "interrupted: x", "cancelled: x"]


def made(*reasons: str, advanced: bool = False, **last: Any) -> list[dict[str, Any]]:
    attempts = [{"reason": reason, "advanced": advanced} for reason in reasons]
    if attempts:
        attempts[-1] |= last
    return attempts


@pytest.mark.parametrize(
    ("reasons", "goes_on"),
    [
        ((), True),
        (("killed by SIGKILL (by hand)",), True),
        (("killed by SIGKILL", "killed by SIGSEGV"), False),
        (("out of memory: x",), True),
        (("out of memory: x", "out of memory: y"), False),
        (("out of memory: x", "preempted: y", "out of memory: z"), False),
        (("out of memory: x", "killed by SIGKILL"), True),
        (("time limit: x",), False),
        (("lost: x",) * 4, True),
        (("lost: x",) * 5, False),
        (("exception: ValueError: x",), True),  # its error is what says that it failed
        (("unheard of",), False),
    ],
)
def test_the_rule(reasons: tuple[str, ...], goes_on: bool) -> None:
    assert may_go_on(made(*reasons)) is goes_on


@given(st.lists(st.sampled_from(FREE), max_size=30))
def test_what_the_cluster_does_costs_a_trial_nothing(reasons: list[str]) -> None:
    assert may_go_on(made(*reasons))
    assert may_go_on(made("killed by SIGKILL", *reasons))
    assert not may_go_on(made("killed by SIGKILL", *reasons, "killed by SIGKILL"))


def test_a_time_limit_goes_on_as_long_as_there_is_progress() -> None:
    assert may_go_on(made(*["time limit: x"] * 50, advanced=True))
    assert not may_go_on(made(*["time limit: x"] * 50, advanced=True)[:-1] + made("time limit: x"))


def test_a_trial_is_not_judged_by_a_job_that_it_had_not_for_itself() -> None:
    assert may_go_on(made("time limit: x", late=True))
    assert not may_go_on(made("time limit: x", late=True) + made("time limit: x", late=False))


def test_an_outcome_gives_the_next_run_all_its_chances() -> None:
    failed = made("killed by SIGKILL", "killed by SIGKILL", failed=True)
    assert may_go_on(failed)
    assert may_go_on(failed + made("killed by SIGKILL"))
    assert may_go_on(made("lost: x", "done", "killed by SIGKILL"))


@pytest.mark.parametrize(
    ("reason", "kind", "advice"),
    [
        ("out of memory: job 7 ended, it had 2 GB", "OutOfMemory", "raise memory_gb"),
        ("time limit: job 7", "TimeLimit", "raise time_minutes"),
        ("lost: x", "Lost", "lost 5 times"),
        ("killed by SIGSEGV", "Killed", "killed twice, the last time by SIGSEGV"),
    ],
)
def test_a_failure_says_what_to_change(reason: str, kind: str, advice: str) -> None:
    found, message = failure(made(reason))
    assert found == kind
    assert advice in message
    if "GB" in reason:
        assert "it had 2 GB" in message


def test_kinds() -> None:
    assert kind_of("killed by SIGKILL (out of memory, or by hand)") == "killed"
    assert kind_of("exception: ValueError: a: b") == "exception"
