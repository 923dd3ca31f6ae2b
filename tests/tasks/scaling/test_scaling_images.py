"""ImageNet and CIFAR-10 in their publishers' byte formats: order, classes, damaged files."""

import io
import zipfile

import numpy as np
import pytest
import torch

from repro.errors import UserError
from repro.fetch import check_datasets
from tasks.scaling.domains import MATHEMATICS_SET, TEST, check_dataset, domain_of
from tasks.scaling.domains.image_sets import averaged, read_images
from tasks.scaling.domains.natural_images import START

pytestmark = pytest.mark.usefixtures("own_data")


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
    # What a model classifies is what it read in training, each level at its place.
    assert torch.equal(
        labelled.test[0].to(torch.int64), torch.cat([b.tokens for b in domain.tests(3)[TEST]])
    )
    assert labelled.test[0].shape == (6, domain.context)
    assert {(START, *row[:-1]) for row in known} == {tuple(r) for r in labelled.train[0].tolist()}
    assert labelled.train[0].dtype == torch.int16


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
    with pytest.raises(UserError) as error:
        check_datasets("tasks.scaling.Scaling", ["imagenet_32"])
    for part in ("Imagenet32_train_npz.zip", "image-net.org", "not commercial", "REPRO_DATA"):
        assert part in str(error.value)
    with pytest.raises(UserError, match=r"v1\.0\.tar\.gz is not on this machine"):
        check_datasets("tasks.scaling.Scaling", [MATHEMATICS_SET])
    with pytest.raises(UserError, match="uoft-cs/cifar10 is not on this machine"):
        check_datasets("tasks.scaling.Scaling", ["cifar10_8"])
    # What nobody can download is missed before gigabytes of the rest are fetched.
    with pytest.raises(UserError, match=r"Imagenet32_train_npz\.zip is not on this machine"):
        check_datasets("tasks.scaling.Scaling", ["imagenet_32", MATHEMATICS_SET])
    (tmp_path / "Imagenet32_train_npz.zip").write_bytes(b"another version")
    with pytest.raises(UserError, match="expected 94226337"):
        check_datasets("tasks.scaling.Scaling", ["imagenet_32"])
