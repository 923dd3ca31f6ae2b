"""The DeepMind mathematics data set in its byte format: whole problems, answers, damaged files."""

import numpy as np
import pytest
import torch

from repro.errors import UserError
from tasks.scaling.domains import (
    EXTRAPOLATION,
    MATHEMATICS_SET,
    TEST,
    check_dataset,
    domain_of,
    problem_files,
)
from tasks.scaling.domains.problem_files import ANSWER, marked_answers
from tasks.scaling.domains.problem_texts import drawn, rows_of

pytestmark = pytest.mark.usefixtures("own_data")


def texts(batch):
    """Return what the rows of a batch say, and their counted characters."""
    whole = torch.cat([batch.tokens, batch.targets[:, -1:]], 1).numpy().astype(np.uint8)
    rows = [row.tobytes().rstrip(b"\0").decode() for row in whole]
    counted = [
        bytes(t[w > 0].tolist()).decode() for t, w in zip(batch.targets, batch.weight, strict=True)
    ]
    return rows, counted


def test_rows_hold_whole_problems_of_all_modules_and_count_answers_alone(mathematics):
    check_dataset(MATHEMATICS_SET)
    domain = domain_of(MATHEMATICS_SET, 0)
    rows, counted = texts(domain.batches(64, 5).at(2))
    again, _ = texts(domain.batches(64, 5).at(2))
    assert rows == again
    assert rows != texts(domain.batches(64, 5).at(3))[0]
    for row, answers in zip(rows, counted, strict=True):
        lines = row.split("\n")
        assert lines.pop() == ""
        assert answers == "".join(line + "\n" for line in lines[1::2])
        for question, answer in zip(lines[0::2], lines[1::2], strict=True):
            if question.startswith("What is "):
                a, b = question.removeprefix("What is ").removesuffix("?").split(" + ")
                assert int(a) + int(b) == int(answer)
            else:
                assert (question, answer) in {("Is 5 prime?", "True"), ("Is 6 prime?", "False")}
    everything = "".join(rows)
    assert "prime" in everything
    assert "prob" not in everything


def test_the_tests_of_mathematics_are_the_published_ones(mathematics):
    tests = domain_of(MATHEMATICS_SET, 0).tests(1)
    inside = "".join("".join(texts(batch)[0]) for batch in tests[TEST][:1])
    beyond = "".join("".join(texts(batch)[0]) for batch in tests[EXTRAPOLATION][:1])
    numbers = [int(word.strip("?")) for word in beyond.split() if word.strip("?").isdigit()]
    assert min(numbers) >= 10**6
    assert "prime" in inside
    assert tests[TEST][0].tokens.shape[1] == 512


def test_problems_are_drawn_alike_whatever_their_length(mathematics):
    """Of two problems in a file, each after the other, the longer is no likelier by itself."""
    text = b"a?\n1\n" + b"b" * 9 + b"?\n" + b"2" * 9 + b"\n" + b"c?\n3\n"
    marked, longest = marked_answers(text, "here")
    assert longest == 21
    own = problem_files.Problems(marked, np.array([[0, len(marked)]]), longest)
    around, first, lengths = drawn(own, 30_000, np.random.default_rng(0))
    starts = (around[np.arange(30_000), first] & (ANSWER - 1)).astype(np.uint8)
    share = {letter: float((starts == ord(letter)).mean()) for letter in "abc"}
    # The chance of each is the length of the problem before it, over all 31 bytes.
    assert share["b"] == pytest.approx(5 / 31, abs=0.01)
    assert share["c"] == pytest.approx(21 / 31, abs=0.01)
    assert set(lengths.tolist()) == {5, 21}
    with pytest.raises(UserError, match="a problem of 21 characters does not fit"):
        rows_of(own, 1, 19, 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("one question\n", "does not hold questions and answers on alternate lines"),
        ("a question\nan answer", "does not hold questions and answers on alternate lines"),
        ("", "does not hold questions and answers on alternate lines"),
        ("what is π?\n3\n", "holds characters that are not ASCII"),
    ],
)
def test_damaged_problems_are_one_line(mathematics, write_archive, tmp_path, text, message):
    write_archive({"train-easy/algebra__linear_1d.txt": text})
    with pytest.raises(UserError, match=message) as error:
        check_dataset(MATHEMATICS_SET)
    assert "algebra__linear_1d.txt" in str(error.value)
    write_archive({"train-easy/algebra__linear_1d.txt": "a?\n1\n"})
    with pytest.raises(UserError, match="has no problems of the part 'interpolate'"):
        check_dataset(MATHEMATICS_SET)
    mathematics.write_bytes(mathematics.read_bytes()[:100])
    with pytest.raises(UserError, match=r"is not a whole \.tgz archive"):
        check_dataset(MATHEMATICS_SET)
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert left == []


def test_problems_are_unpacked_once(mathematics, monkeypatch):
    folder = problem_files.unpacked()
    monkeypatch.setattr(problem_files, "files_of_compressed_tar", None)
    assert problem_files.unpacked() == folder
