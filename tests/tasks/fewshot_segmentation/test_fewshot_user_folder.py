"""A user's folder: what it may hold, and one clear line for each thing that it may not."""

import numpy as np
import pytest
from PIL import Image

from methods.repri import RePRI
from repro.context import RunContext
from repro.errors import UserError
from tasks.fewshot_segmentation import FewShotSegmentation
from tasks.fewshot_segmentation.data import check_dataset, source_of
from tasks.fewshot_segmentation.folder import check_folder


def test_the_last_quarter_of_the_classes_is_novel(user_folder):
    source = source_of(f"file:{user_folder}")
    assert source.novel == (5,)
    base, tests = source.base(0, 64), source.tasks_from("test", 0, 64)
    assert len(tests.scenes.areas) == 14
    assert len(base.train) + len(base.validation) == 56
    assert (base.scenes.areas[np.concatenate([base.train, base.validation])][:, 5] == 0).all()


def test_novel_classes_may_be_named(user_folder):
    source = source_of(f"file:{user_folder}?novel=thing 2,thing 3")
    assert source.novel == (2, 3)
    assert source.base_classes == (1, 4, 5)
    assert source.base_name != source_of(f"file:{user_folder}").base_name


def test_a_whole_folder_passes_the_check_and_runs(user_folder, tmp_path):
    check_dataset(f"file:{user_folder}", 10)
    task = FewShotSegmentation(epochs=1, checkpoints=1, shots=(1, 2), tasks=4, runs=1)
    directory = tmp_path / "trial"
    directory.mkdir()
    context = RunContext("task", f"file:{user_folder}", 0, directory)
    assert 0 <= task.run(RePRI(steps=2), context)["miou@1"] <= 100
    assert context.unverified_data


def replaced_mask(folder, label):
    Image.fromarray(label).save(folder / "masks" / "000.png")


MISTAKES = {
    "no list": (lambda f: (f / "classes.txt").unlink(), "there is no classes.txt"),
    "few classes": (
        lambda f: (f / "classes.txt").write_text("a\nb\n"),
        "2 classes; it must name 4",
    ),
    "twice": (lambda f: (f / "classes.txt").write_text("a\nb\na\nc\nd\n"), "named twice"),
    "no mask": (lambda f: (f / "masks" / "003.png").unlink(), r"003\.png: there is no such mask"),
    "no image": (
        lambda f: [p.unlink() for p in (f / "images").iterdir()],
        "no image in images/",
    ),
    "unknown class": (
        lambda f: replaced_mask(f, np.full((90, 120), 9, np.uint8)),
        r"000\.png: holds class number 9, but classes\.txt names 5",
    ),
    "colours": (
        lambda f: replaced_mask(f, np.zeros((90, 120, 3), np.uint8)),
        "has mode RGB; a mask needs one channel",
    ),
    "another size": (
        lambda f: replaced_mask(f, np.ones((30, 40), np.uint8)),
        "image and mask differ in size",
    ),
    "damaged": (
        lambda f: (f / "masks" / "000.png").write_bytes(b"nothing"),
        "cannot be read as an image",
    ),
    "few images": (
        lambda f: [(f / "images" / f"{k:03d}.jpg").unlink() for k in range(4, 70, 5) if k > 40],
        "class 5 is large enough to count in 8 images, but 10 shots need 11",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_clear_line(mistake, user_folder):
    spoil, message = MISTAKES[mistake]
    spoil(user_folder)
    with pytest.raises(UserError, match=message) as caught:
        check_folder(f"file:{user_folder}", 10)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("?novel=thing 7", "no class 'thing 7'"),
        ("?target=x", "is not known; write file:<folder>"),
        ("?novel=" + ",".join(f"thing {k}" for k in range(1, 6)), "every class is novel"),
    ],
)
def test_a_wrong_option_is_one_clear_line(option, message, user_folder):
    with pytest.raises(UserError, match=message):
        check_folder(f"file:{user_folder}{option}", 10)


def test_what_is_no_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="not a folder"):
        check_folder(f"file:{tmp_path / 'nowhere'}", 10)


def test_the_name_of_the_base_set_follows_the_content(user_folder):
    before = source_of(f"file:{user_folder}").base_name
    (user_folder / "images" / "new.txt").write_text("x")
    assert source_of(f"file:{user_folder}").base_name != before
