"""Prototype matching against PANet's formulas task by task, and its loss's gradient."""

import pytest
import torch
from episode_fixtures import episodes, one_task
from torch.nn.functional import cosine_similarity, cross_entropy

from baselines.fewshot_segmentation.prototype_matching import PrototypeMatching
from tasks.fewshot_segmentation import BaseNetwork
from tasks.fewshot_segmentation.prototypes import episodic_loss


def by_the_papers_formulas(task):
    """Masked average pooling per shot, mean over shots, softmax over cosine similarities."""
    means = []
    for mask in (task.background[0], task.foreground[0]):
        shots = [
            (cells * own[:, None]).sum(0) / own.sum()
            for cells, own in zip(task.support[0], mask, strict=True)
        ]
        means.append(torch.stack(shots).mean(0))
    similarities = [cosine_similarity(task.query[0], mean[None], dim=-1) for mean in means]
    return 20 * torch.stack(similarities, 1), means


@pytest.mark.parametrize("shots", [1, 3])
def test_scores_are_the_difference_of_the_logits(shots):
    many = episodes(shots=shots)
    scores = PrototypeMatching().segment(many)
    for place in range(len(many)):
        logits, _ = by_the_papers_formulas(one_task(many, place))
        torch.testing.assert_close(scores[place], logits[:, 1] - logits[:, 0])


def test_the_query_of_others_changes_nothing():
    many = episodes()
    for place in range(len(many)):
        alone = PrototypeMatching().segment(one_task(many, place))[0]
        torch.testing.assert_close(alone, PrototypeMatching().segment(many)[place])


def test_a_shot_without_foreground_counts_for_nothing():
    many = episodes(shots=2)
    foreground = many.foreground.clone()
    foreground[:, 1] = 0
    second = episodes(shots=2, foreground=foreground)
    first_alone = (many.support[:, 0] * many.foreground[:, 0, :, None]).sum(1)
    first_alone = first_alone / many.foreground[:, 0].sum(1, keepdim=True)
    from tasks.fewshot_segmentation.prototypes import prototypes

    torch.testing.assert_close(prototypes(second)[0], first_alone)


def test_loss_is_the_querys_cross_entropy_plus_that_of_the_alignment():
    task = episodes(count=1, shots=1, annotated=torch.ones(1, 1, 20, dtype=torch.float64))
    truth = (torch.arange(20) % 3 == 0).double()[None]
    logits, _ = by_the_papers_formulas(task)
    predicted = logits.argmax(1)
    kept = task.counted[0] == 1
    expected = cross_entropy(logits[kept], truth[0, kept].long())
    swapped = [task.query[0][predicted == k].mean(0) for k in (0, 1)]
    back = 20 * torch.stack(
        [cosine_similarity(task.support[0, 0], mean[None], dim=-1) for mean in swapped], 1
    )
    expected = expected + cross_entropy(back, task.foreground[0, 0].long())
    torch.testing.assert_close(episodic_loss(task, truth), expected)


def test_an_all_background_prediction_has_no_alignment():
    task = episodes(count=1, shots=1)
    same = episodes(count=1, shots=1, query=task.support[:, 0, 1:2].expand(1, 20, 5))
    assert (PrototypeMatching().segment(same) < 0).all()
    assert episodic_loss(same, torch.zeros(1, 20, dtype=torch.float64)).isfinite()


def test_gradient_of_the_loss_in_float64():
    task = episodes(count=2, shots=1, cells=8, features=3)
    truth = (torch.arange(8) % 3 == 0).double().expand(2, 8)

    def loss(support, query):
        return episodic_loss(
            episodes(count=2, shots=1, cells=8, features=3, support=support, query=query), truth
        )

    # The second half differentiates products in the vectors alone: cells are leaves here too.
    inputs = task.support.clone().requires_grad_(), task.query.clone().requires_grad_()
    assert torch.autograd.gradcheck(loss, inputs)


def test_the_base_network_is_a_parameter():
    assert PrototypeMatching("episodic").base == BaseNetwork("episodic", "base")
