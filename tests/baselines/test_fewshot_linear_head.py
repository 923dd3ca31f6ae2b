"""The linear head against scikit-learn's logistic regression, and task by task."""

import numpy as np
import pytest
import torch
from episode_fixtures import episodes, one_task
from sklearn.linear_model import LogisticRegression

from baselines.fewshot_segmentation.linear_head import LinearHead, balanced
from tasks.fewshot_segmentation import BaseNetwork


def test_at_convergence_it_is_balanced_logistic_regression():
    many = episodes(count=3, shots=2, cells=40)
    decay = 0.05
    scores = LinearHead(steps=1000, rate=1.0, decay=decay).segment(many)
    for place in range(3):
        task = one_task(many, place)
        known = task.annotated.flatten() == 1
        x = task.support_directions[0][known].numpy()
        y = task.foreground.flatten()[known].numpy()
        # scikit-learn minimises ½‖w‖² + C Σ wᵢ ℓᵢ with wᵢ = n / (2 n_class): C = 1 / (decay n).
        other = LogisticRegression(
            C=1 / (decay * len(y)), class_weight="balanced", tol=1e-12, max_iter=10_000
        ).fit(x, y)
        expected = other.decision_function(task.query_directions[0].numpy())
        np.testing.assert_allclose(scores[place].numpy(), expected, rtol=1e-3, atol=1e-3)


def test_weights_of_the_two_classes_are_a_half_each():
    many = episodes()
    weights = balanced(many)
    foreground = many.foreground.flatten(1)
    torch.testing.assert_close((weights * foreground).sum(1), torch.full((3,), 0.5).double())
    torch.testing.assert_close(weights.sum(1), torch.ones(3).double())
    assert (weights[many.annotated.flatten(1) == 0] == 0).all()


def test_tasks_do_not_see_each_other():
    many = episodes()
    for place in range(3):
        alone = LinearHead().segment(one_task(many, place))[0]
        torch.testing.assert_close(alone, LinearHead().segment(many)[place])


def test_nothing_of_the_query_is_learned_from():
    many = episodes()
    other = episodes(query=many.query.flip(1), counted=many.counted.flip(1))
    torch.testing.assert_close(LinearHead().segment(other), LinearHead().segment(many).flip(1))


def test_gradient_in_float64():
    many = episodes()
    head = torch.randn(3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    objective = lambda h: LinearHead().loss(h, balanced(many), many)  # noqa: E731
    assert torch.autograd.gradcheck(objective, (head.requires_grad_(),))


@pytest.mark.parametrize("training", ["cross_entropy", "episodic"])
def test_the_base_network_is_a_parameter(training):
    assert LinearHead(training=training).base == BaseNetwork(training, "base")
