"""The calibrated threshold against trying every one."""

import numpy as np
import torch
from episode_fixtures import episodes, one_task
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.fewshot_segmentation.support_threshold import SupportThreshold, best_threshold


def overlap(scores, foreground, known, threshold):
    taken = (scores > threshold) & known
    truth = foreground & known
    return (taken & truth).sum() / max(1, (taken | truth).sum())


@settings(max_examples=100, deadline=None)
@given(
    values=st.lists(st.integers(0, 6), min_size=2, max_size=12),
    labels=st.lists(st.booleans(), min_size=12, max_size=12),
    known=st.lists(st.booleans(), min_size=12, max_size=12),
)
def test_no_threshold_is_better(values, labels, known):
    scores = np.array(values, dtype=float)
    known = np.array(known[: len(scores)])
    foreground = np.array(labels[: len(scores)]) & known
    if not foreground.any():
        return
    found = best_threshold(
        *(torch.tensor(part, dtype=torch.float64)[None] for part in (scores, foreground, known))
    ).item()
    reached = overlap(scores, foreground, known, found)
    every = [overlap(scores, foreground, known, t) for t in np.arange(-0.5, 7)]
    assert reached == max(every)


def test_a_threshold_worked_out_by_hand():
    """Taking 0.9 and 0.7 gives 2/3; 0.9 alone 1/2; all but 0.1 gives 3/4: the best."""
    scores = torch.tensor([[0.9, 0.7, 0.5, 0.4, 0.1]])
    foreground = torch.tensor([[1.0, 1.0, 0.0, 1.0, 0.0]])
    found = best_threshold(scores, foreground, torch.ones(1, 5))
    assert abs(found.item() - 0.25) < 1e-6


def test_tasks_do_not_see_each_other_and_nothing_of_the_query_is_used():
    many = episodes()
    scores = SupportThreshold().segment(many)
    for place in range(len(many)):
        alone = SupportThreshold().segment(one_task(many, place))[0]
        torch.testing.assert_close(alone, scores[place])
    other = episodes(query=many.query.flip(1), counted=many.counted.flip(1))
    torch.testing.assert_close(SupportThreshold().segment(other), scores.flip(1))
