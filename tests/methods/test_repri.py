"""RePRI against its equations written out task by task, limits, switches and gradients."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from episode_fixtures import episodes, one_task
from hypothesis import given, settings
from hypothesis import strategies as st

from methods.repri import RePRI
from tasks.fewshot_segmentation import BaseNetwork

CE_ONLY = {"entropy_weight": 0.0, "proportion_weight": 0.0}


def by_hand(method, task):
    """The released loop in NumPy, one task, derivatives worked out on paper.

    With p = sigmoid(s): ∂CE/∂s = (p − y)/n, ∂H/∂s = −s p(1 − p)/m and
    ∂KL/∂s = (log p̂/π − log (1 − p̂)/(1 − π)) p(1 − p)/m.
    """
    unit = lambda z: z / np.linalg.norm(z, axis=-1, keepdims=True)  # noqa: E731
    support = unit(task.support[0].numpy().reshape(-1, task.support.shape[-1]))
    label, known = task.foreground[0].numpy().ravel(), task.annotated[0].numpy().ravel()
    query, counted = unit(task.query[0].numpy()), task.counted[0].numpy()
    tau, shots = method.temperature, task.shots
    w = support[label == 1].mean(0)
    posterior = lambda s: 1 / (1 + np.exp(-s))  # noqa: E731

    def score(z, w, b):
        return tau * z @ w / np.linalg.norm(w) - b

    start = query[counted == 1] if method.start_over == "counted" else query
    if method.bias_start == "support":
        start = support[known == 1]
    b = score(start, w, 0.0).mean()

    def share():
        return posterior(score(query, w, b))[counted == 1].mean()

    oracle = method.prior == "true"
    prior = min(1.0, method.prior_factor * task.proportion[0].item()) if oracle else share()
    weights = [
        1 / shots if w_ is None else w_ for w_ in (method.entropy_weight, method.proportion_weight)
    ]
    n, m = known.sum(), counted.sum()
    for step in range(method.steps):
        if step == method.update_after and not oracle:
            prior = share()
            weights[1] += 1 if weights[1] else 0
        s, q = score(support, w, b), score(query, w, b)
        p = posterior(q)
        mean = p[counted == 1].mean()
        slope = p * (1 - p) * counted / m
        forces = [
            known * (posterior(s) - label) / n * method.support_term,
            -weights[0] * q * slope
            + weights[1] * (math.log(mean / prior) - math.log((1 - mean) / (1 - prior))) * slope,
        ]
        gradient = np.zeros_like(w)
        length = np.linalg.norm(w)
        for cells, force in zip((support, query), forces, strict=True):
            cosines = cells @ w / length
            gradient += tau * force @ (cells / length - cosines[:, None] * w / length**2)
        w = w - method.learning_rate * gradient
        b = b + method.learning_rate * sum(force.sum() for force in forces)
    return score(query, w, b)


FORMS = {
    "paper": RePRI(),
    "released": RePRI(steps=49, update_after=9, start_over="all"),
    "no entropy": RePRI(entropy_weight=0.0),
    "no proportion": RePRI(proportion_weight=0.0),
    "no support term": RePRI(support_term=False, learning_rate=0.01),
    "cross entropy alone": RePRI(**CE_ONLY),
    "never updated": RePRI(update_after=None),
    "oracle": RePRI(prior="true", entropy_weight=0.1, proportion_weight=1.0, steps=80),
    "wrong oracle": RePRI(prior="true", prior_factor=0.5),
    "bias from the support": RePRI(bias_start="support"),
    "another temperature": RePRI(temperature=7.0, learning_rate=0.1),
}


@pytest.mark.parametrize("shots", [1, 3])
@pytest.mark.parametrize("form", FORMS)
def test_all_tasks_at_once_equal_the_equations_task_by_task(form, shots):
    many = episodes(count=4, shots=shots)
    scores = FORMS[form].segment(many)
    for place in range(len(many)):
        expected = by_hand(FORMS[form], one_task(many, place))
        np.testing.assert_allclose(scores[place].numpy(), expected, rtol=1e-7, atol=1e-8)


def test_a_start_worked_out_by_hand():
    """One feature that tells all: w = (1, 0), scores τ and 0, b their mean."""
    axis = torch.eye(2, dtype=torch.float64)
    task = episodes(
        count=1,
        shots=1,
        cells=2,
        features=2,
        support=3 * axis[None, None],
        query=5 * axis[None],
        foreground=torch.tensor([[[1.0, 0.0]]], dtype=torch.float64),
        annotated=torch.ones(1, 1, 2, dtype=torch.float64),
        counted=torch.ones(1, 2, dtype=torch.float64),
    )
    weight, bias = RePRI(temperature=20.0).start(task)
    assert weight.tolist() == [[1.0, 0.0]]
    assert bias.item() == pytest.approx(10.0)
    assert RePRI(steps=0).segment(task).tolist() == [[pytest.approx(10.0), pytest.approx(-10.0)]]


def test_the_objective_of_one_pixel_by_hand():
    """At s = 0 every posterior is 1/2: CE = H = ln 2, KL = ½ ln(½/π₀) + ½ ln(½/π₁)."""
    task = episodes(count=1, shots=1)
    method = RePRI(temperature=1e-12)
    weight, bias = torch.ones(1, 5, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    prior = torch.tensor([[0.8, 0.2]], dtype=torch.float64)
    divergence = 0.5 * math.log(0.5 / 0.8) + 0.5 * math.log(0.5 / 0.2)
    for updated, factor in ((False, 1.0), (True, 2.0)):
        loss = method.loss(weight, bias, prior, updated, task)
        assert loss.item() == pytest.approx(2 * math.log(2) + factor * divergence, abs=1e-9)


@pytest.mark.parametrize(
    ("shots", "updated", "expected"),
    [(1, False, (1, 1)), (1, True, (1, 2)), (5, False, (0.2, 0.2)), (10, True, (0.1, 1.1))],
)
def test_weights_follow_the_papers_schedule(shots, updated, expected):
    assert RePRI()._weights(shots, updated) == pytest.approx(expected)


def test_a_term_that_is_off_stays_off_after_the_update():
    assert RePRI(proportion_weight=0.0)._weights(1, updated=True) == (1.0, 0.0)


@pytest.mark.parametrize("form", ["paper", "no entropy", "no proportion", "cross entropy alone"])
def test_gradient_in_float64(form):
    task = episodes()
    weight, bias = (part.requires_grad_() for part in FORMS[form].start(task))
    prior = torch.tensor([[0.7, 0.3]] * 3, dtype=torch.float64)
    objective = lambda w, b: FORMS[form].loss(w, b, prior, True, task)  # noqa: E731
    assert torch.autograd.gradcheck(objective, (weight, bias))


@settings(max_examples=20, deadline=None)
@given(
    count=st.integers(1, 4),
    shots=st.integers(1, 4),
    cells=st.integers(3, 12),
    seed=st.integers(0, 1000),
)
def test_tasks_do_not_see_each_other(count, shots, cells, seed):
    many = episodes(count, shots, cells, seed=seed)
    together = RePRI(steps=12).segment(many)
    assert together.shape == (count, cells)
    assert together.isfinite().all()
    for place in range(count):
        alone = RePRI(steps=12).segment(one_task(many, place))[0]
        torch.testing.assert_close(together[place], alone)


def test_pixels_that_do_not_count_change_nothing():
    many = episodes()
    other = many.query + 5 * (1 - many.counted[..., None])
    moved = RePRI().segment(replace(many, query=other))
    kept = many.counted == 1
    torch.testing.assert_close(moved[kept], RePRI().segment(many)[kept])


def test_the_true_share_is_read_by_oracles_alone():
    many = episodes()
    wrong = replace(many, proportion=1 - many.proportion)
    assert torch.equal(RePRI().segment(wrong), RePRI().segment(many))
    assert not torch.allclose(FORMS["oracle"].segment(wrong), FORMS["oracle"].segment(many))


def test_the_proportion_term_alone_brings_the_share_of_foreground_to_the_truth():
    many = episodes(count=6, shots=1, cells=60)
    alone = RePRI(
        prior="true", support_term=False, entropy_weight=0.0, proportion_weight=1.0, steps=300
    )
    shares = (alone.segment(many).sigmoid() * many.counted).sum(1) / many.counted.sum(1)
    torch.testing.assert_close(shares, many.proportion, rtol=0.0, atol=5e-3)


def test_a_doubled_share_beyond_one_is_clipped():
    many = episodes(proportion=torch.full((3,), 0.9, dtype=torch.float64))
    scores = RePRI(prior="true", prior_factor=2.0).segment(many)
    assert scores.isfinite().all()


def test_the_base_network_is_a_parameter():
    assert RePRI().base == BaseNetwork("cross_entropy", "base")
    assert RePRI(training="episodic", selection="novel").base == BaseNetwork("episodic", "novel")
