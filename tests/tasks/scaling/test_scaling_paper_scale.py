"""The paper's scale: a whole trial on tiny data, and what its settings stand for."""

import pytest

from methods.scaling_laws import PowerLawWithConstant
from repro.context import RunContext
from repro.spec import load_spec
from tasks.scaling import Scaling
from tasks.scaling.domains import MATHEMATICS_SET, data_files
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
