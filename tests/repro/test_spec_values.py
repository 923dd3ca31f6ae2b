"""A spec's values against annotations, and against what the classes themselves refuse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Optional

import pytest

from repro.errors import UserError
from repro.spec import load_spec
from repro.spec.signatures import check_signatures
from repro.spec.values import annotations_of, misfit

Width = float | Literal["median"]


@pytest.mark.parametrize(
    ("value", "annotation"),
    [
        ("b", Literal["a", "b"]),
        (3, float),
        (3, Width),
        ("median", Width),
        (None, float | None),
        (4, Optional[int]),  # noqa: UP045 - the older spelling is read as well
        ([0.1, 1], Sequence[float]),
        ([1, 2], tuple[int, ...]),
        (["a"], list[str]),
        (["a", 1], tuple[str, int]),
        (True, bool),
        ({"any": "thing"}, Any),
        ({"any": "thing"}, dict[str, str]),
    ],
)
def test_what_fits(value: object, annotation: Any) -> None:
    assert misfit(value, annotation) == ""


@pytest.mark.parametrize(
    ("value", "annotation", "expected"),
    [
        ("squared", Literal["square", "cube"], "'squared' does not fit; did you mean 'square'?"),
        ("x", Literal["square", "cube"], "'x' does not fit; valid: cube, square"),
        (True, Literal[1, 2], "True does not fit; valid: 1, 2"),
        ("x", Width, "'x' does not fit; valid: a number, median"),
        (True, float, "True does not fit; valid: a number"),
        (True, int, "True does not fit; valid: a whole number"),
        (1.5, int, "1.5 does not fit; valid: a whole number"),
        (1, str, "1 does not fit; valid: text"),
        (1, bool, "1 does not fit; valid: false, true"),
        ("text", Sequence[str], "'text' does not fit; valid: a list, each entry text"),
        (
            [1, "a"],
            Sequence[int],
            "[1, 'a'] does not fit; valid: a list, each entry a whole number",
        ),
        ("x", float | None, "'x' does not fit; valid: a number, null"),
    ],
)
def test_what_does_not_fit_is_met_with_what_does(
    value: object, annotation: Any, expected: str
) -> None:
    assert misfit(value, annotation) == expected


class Plain:
    """A class that is no dataclass."""

    def __init__(self, width: Width, name: str = "") -> None: ...


def unresolvable(width: NoSuchType) -> None:  # type: ignore[name-defined]  # noqa: F821
    """A function whose annotation only a type checker can read."""


def test_annotations_are_those_of_the_call() -> None:
    assert annotations_of(Plain)["width"] == Width
    assert annotations_of(unresolvable) == {}


@pytest.fixture
def cs_ib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path))
    return load_spec("cs_ib")


def test_a_value_of_the_right_type_that_the_class_refuses_is_one_line(cs_ib: Any) -> None:
    cs_ib.scales["paper"].task["batch_size"] = 8
    with pytest.raises(UserError, match=r"cs_ib\.yaml: scales\.paper\.task: .*batch_size is 8"):
        check_signatures(cs_ib, Path("cs_ib.yaml"))


def test_an_option_that_would_run_another_method_is_refused(cs_ib: Any) -> None:
    cs_ib.methods["squared_nib"].params["function"] = "squared"
    with pytest.raises(UserError, match=r"squared_nib\.params\.function: .*'square'\?"):
        check_signatures(cs_ib, Path("cs_ib.yaml"))
