"""The paper's scale on tiny copies in the publishers' byte formats."""

import io
import tarfile
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch

from methods.scaling_laws import PowerLawWithConstant
from repro.context import RunContext
from repro.errors import UserError
from repro.spec import load_spec
from tasks.scaling import Scaling
from tasks.scaling.domains import (
    EXTRAPOLATION,
    MATHEMATICS_SET,
    TEST,
    check_dataset,
    data_files,
    domain_of,
    image_sets,
    problem_files,
    problem_texts,
)
from tasks.scaling.domains.image_sets import averaged, read_images
from tasks.scaling.domains.natural_images import START
from tasks.scaling.domains.problem_files import ANSWER, marked_answers, problems
from tasks.scaling.domains.problem_texts import drawn, rows_of
from tasks.scaling.recipes import recipe_of

#: Shapes as at the paper's scale, so narrow that they train at once.
TINY = {
    "ladder": ((4, 1), (6, 1), (8, 1), (10, 1), (12, 1)),
    "steps": 5,
    "warmup": 1,
    "looks": 4,
    "finetune_steps": 2,
    "finetune_rows": 4,
    "precision": "float32",
}


@pytest.fixture(autouse=True)
def _own_data(tmp_path, monkeypatch, one_thread):
    monkeypatch.setenv("OFFLINE", "1")
    monkeypatch.setenv("REPRO_DATA", str(tmp_path))
    monkeypatch.setenv("KLAIM_CACHE", str(tmp_path / "cache"))
    for kept in (read_images, image_sets._cifar, problems):
        kept.cache_clear()


@pytest.fixture
def imagenet(tmp_path, monkeypatch):
    """Archives with ten images of 8 pixels to train on, six to test on."""
    monkeypatch.setattr(image_sets, "_HASHES", dict.fromkeys(image_sets._HASHES))
    random = np.random.default_rng(0)
    made = {}
    for part, sizes in (("train", (6, 4)), ("val", (6,))):
        with zipfile.ZipFile(tmp_path / f"Imagenet8_{part}_npz.zip", "w") as archive:
            for number, size in enumerate(sizes, start=1):
                data = random.integers(0, 256, (size, 192), dtype=np.uint8)
                labels = random.integers(1, 1001, size)
                stream = io.BytesIO()
                np.savez(stream, data=data, labels=labels, mean=data.mean(0))
                name = f"train_data_batch_{number}.npz" if part == "train" else "val_data.npz"
                archive.writestr(name, stream.getvalue())
                made[part, number] = (data, labels)
    return made


def arithmetic(count, low, high, seed):
    random = np.random.default_rng(seed)
    lines = []
    for _ in range(count):
        a, b = random.integers(low, high, 2)
        lines += [f"What is {a} + {b}?", f"{a + b}"]
    return "\n".join(lines) + "\n"


@pytest.fixture
def mathematics(tmp_path, monkeypatch):
    """The archive's layout: a file of alternate lines for each module in each folder."""
    monkeypatch.setattr(problem_files, "ARCHIVE", replace(problem_files.ARCHIVE, sha256=None))
    monkeypatch.setattr("tasks.scaling.domains.ARCHIVE", problem_files.ARCHIVE)
    monkeypatch.setattr(problem_texts, "_TEST_ROWS", 16)
    files = {"train-readme.txt": "not problems\n"}
    for place, folder in enumerate(("train-easy", "train-medium", "train-hard", "interpolate")):
        files[f"{folder}/arithmetic__add_or_sub.txt"] = arithmetic(40, 0, 50, place)
        files[f"{folder}/numbers__is_prime.txt"] = "Is 5 prime?\nTrue\nIs 6 prime?\nFalse\n"
        files[f"{folder}/probability__swr_p_sequence.txt"] = "What is prob?\n1/7\n"
    files["extrapolate/arithmetic__add_or_sub_big.txt"] = arithmetic(40, 10**6, 10**7, 9)
    return write_archive(tmp_path, files)


def write_archive(folder, files):
    path = folder / problem_files.ARCHIVE.name
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"mathematics_dataset-v1.0/{name}")
            content = text.encode()
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


def texts(batch):
    """Return what the rows of a batch say, and their counted characters."""
    whole = torch.cat([batch.tokens, batch.targets[:, -1:]], 1).numpy().astype(np.uint8)
    rows = [row.tobytes().rstrip(b"\0").decode() for row in whole]
    counted = [
        bytes(t[w > 0].tolist()).decode() for t, w in zip(batch.targets, batch.weight, strict=True)
    ]
    return rows, counted


def test_imagenet_is_read_in_raster_order_with_labels_from_zero(imagenet):
    check_dataset("imagenet_8")
    train = read_images("imagenet_8", "train")
    assert train.tokens.shape == (10, 192)
    for first, number in ((0, 1), (6, 2)):
        data, labels = imagenet["train", number]
        for own, row in enumerate(data):
            planes = row.reshape(3, 8, 8)
            pixels = [planes[c, y, x] for y in range(8) for x in range(8) for c in range(3)]
            assert train.tokens[first + own].tolist() == pixels
        assert (train.labels[first : first + len(labels)] == labels - 1).all()


def test_images_are_sequences_of_a_start_and_levels(imagenet):
    domain = domain_of("imagenet_8", 0)
    batch = domain.batches(4, 1).at(7)
    assert batch.tokens.shape == (4, 192)
    assert (batch.tokens[:, 0] == START).all()
    assert torch.equal(batch.tokens[:, 1:], batch.targets[:, :-1])
    known = {tuple(row) for row in read_images("imagenet_8", "train").tokens.tolist()}
    assert {tuple(row) for row in batch.targets.tolist()} <= known
    assert torch.equal(domain.batches(4, 1).at(7).targets, batch.targets)
    tested = {tuple(r) for b in domain.tests(3)[TEST] for r in b.targets.tolist()}
    held_out = {
        tuple(row)
        for row in imagenet["val", 1][0]
        .reshape(-1, 3, 64)
        .transpose(0, 2, 1)
        .reshape(-1, 192)
        .tolist()
    }
    assert tested == held_out
    labelled = domain.labelled(3)
    assert labelled.classes == 1000
    assert {tuple(row) for row in labelled.test[0].tolist()} == held_out
    assert labelled.train[0].dtype == torch.uint8


def test_cifar_is_averaged_over_boxes(tmp_path):
    datasets = pytest.importorskip("datasets")
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    folder = tmp_path / "uoft-cs" / "cifar10" / "plain_text"
    folder.mkdir(parents=True)
    features = datasets.Features(
        {"img": datasets.Image(), "label": datasets.ClassLabel(num_classes=10)}
    )
    from PIL import Image

    for part in ("train", "test"):
        rows = {"img": [Image.fromarray(i) for i in images], "label": [3, 1, 4, 1]}
        made = datasets.Dataset.from_dict(rows, features=features)
        made.to_parquet(str(folder / f"{part}-00000-of-00001.parquet"))
    check_dataset("cifar10_8")
    small = read_images("cifar10_8", "train")
    assert small.labels.tolist() == [3, 1, 4, 1]
    for n, y, x, c in [(0, 0, 0, 0), (1, 3, 5, 2), (3, 7, 7, 1)]:
        mean = images[n, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4, c].mean()
        assert abs(int(small.tokens[n].reshape(8, 8, 3)[y, x, c]) - mean) <= 0.5
    whole = read_images("cifar10_32", "test").tokens
    assert (whole == images.reshape(4, -1)).all()
    assert averaged(whole, 32, 32) is whole


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not an archive", "is not a whole zip archive; fetch it again"),
        ({"readme.txt": b"nothing"}, "holds no .npz file"),
        ({"val_data.npz": b"PK nothing"}, "has no arrays data and labels"),
        ({"val_data.npz": {"data": np.zeros((2, 192), np.uint8)}}, "has no arrays data and labels"),
        (
            {"val_data.npz": {"data": np.zeros((2, 48), np.uint8), "labels": np.ones(2)}},
            "does not hold images of 8 pixels a side",
        ),
        (
            {"val_data.npz": {"data": np.array([None, {}]), "labels": np.ones(2)}},
            "has no arrays data and labels",
        ),
    ],
)
def test_a_damaged_archive_of_images_is_one_line(imagenet, tmp_path, content, message):
    path = tmp_path / "Imagenet8_val_npz.zip"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for name, inner in content.items():
                stream = io.BytesIO()
                np.savez(stream, **inner) if isinstance(inner, dict) else stream.write(inner)
                archive.writestr(name, stream.getvalue())
    with pytest.raises(UserError, match=message) as error:
        domain_of("imagenet_8", 0).tests(0)
    assert "\n" not in str(error.value)


def test_missing_data_say_what_to_put_where(tmp_path):
    from repro.fetch import check_datasets

    with pytest.raises(UserError) as error:
        check_datasets("tasks.scaling.Scaling", ["imagenet_32"])
    for part in ("Imagenet32_train_npz.zip", "image-net.org", "not commercial", "REPRO_DATA"):
        assert part in str(error.value)
    with pytest.raises(UserError, match=r"v1\.0\.tar\.gz is not on this machine"):
        check_datasets("tasks.scaling.Scaling", [MATHEMATICS_SET])
    with pytest.raises(UserError, match="uoft-cs/cifar10 is not on this machine"):
        check_datasets("tasks.scaling.Scaling", ["cifar10_8"])
    (tmp_path / "Imagenet32_train_npz.zip").write_bytes(b"another version")
    with pytest.raises(UserError, match="expected 94226337"):
        check_datasets("tasks.scaling.Scaling", ["imagenet_32"])


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
def test_damaged_problems_are_one_line(mathematics, tmp_path, text, message):
    write_archive(tmp_path, {"train-easy/algebra__linear_1d.txt": text})
    with pytest.raises(UserError, match=message) as error:
        check_dataset(MATHEMATICS_SET)
    assert "algebra__linear_1d.txt" in str(error.value)
    write_archive(tmp_path, {"train-easy/algebra__linear_1d.txt": "a?\n1\n"})
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


@pytest.mark.parametrize(
    ("dataset", "names"),
    [
        ("imagenet_8", {"constant", "classification_loss@1", "error_rate@9"}),
        (
            MATHEMATICS_SET,
            {"extrapolation_loss@1", "extrapolation_constant", "extrapolation_best_size_exponent"},
        ),
    ],
)
def test_a_whole_trial_of_the_papers_scale(imagenet, mathematics, tmp_path, dataset, names):
    """The paper's own settings but for size and steps: batches, feed-forward part, weight decay."""
    settings = load_spec("scaling_laws").scales["paper"].task
    batch = {"tokens": 2048} if dataset == MATHEMATICS_SET else {}
    task = Scaling(**{**settings, **TINY, **batch})
    folder = tmp_path / "trial"
    folder.mkdir()
    context = RunContext("scaling_laws", dataset, 0, folder, artifact_root=tmp_path / "artifacts")
    metrics = task.run(PowerLawWithConstant(), context)
    assert names <= metrics.keys()
    assert context.data_hashes.keys() == {file.name for file in data_files(dataset)}
    rung = task._rung(dataset, 0, (8, 1))
    own = recipe_of(dataset)
    assert (rung.feedforward, rung.weight_decay) == (own.feedforward, own.weight_decay)
    assert rung.size == 6 * 8**2
    seen = 5 * (128 * 192 if dataset == "imagenet_8" else 2048)
    assert context.counts["samples_seen"] == 5 * seen


def test_the_papers_recipes_and_ladder():
    task = Scaling(**load_spec("scaling_laws").scales["paper"].task)
    relative = {}
    for dataset, batch, feedforward, decay in [
        ("imagenet_8", 128 * 192, 1, 0.0),
        ("imagenet_16", 128 * 768, 1, 0.0),
        ("imagenet_32", 128 * 3072, 1, 0.0),
        (MATHEMATICS_SET, 2**19, 1, 0.05),
        ("wikitext_103", 2**19, 4, 0.0),
    ]:
        rungs = [task._rung(dataset, 0, shape) for shape in task.ladder]
        assert {r.tokens for r in rungs} == {batch}
        assert {(r.feedforward, r.weight_decay) for r in rungs} == {(feedforward, decay)}
        assert [r.heads for r in rungs] == [2, 3, 4, 5, 7, 8]
        assert all(r.width / r.heads == 64 and 6 < r.width / r.layers < 10 for r in rungs)
        relative[dataset] = [round(r.size / rungs[0].size) for r in rungs]
    assert set(map(tuple, relative.values())) == {(1, 4, 9, 16, 36, 64)}
