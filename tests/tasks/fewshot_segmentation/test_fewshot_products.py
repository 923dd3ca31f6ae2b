"""Products with cells: the plain form, and the gradient in float64."""

import torch
from episode_fixtures import episodes

from tasks.fewshot_segmentation.protocol import cosine


def test_products_and_cosines_equal_the_plain_form():
    many = episodes()
    vectors = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    plain = (many.directions * vectors[:, None]).sum(2)
    torch.testing.assert_close(many.products(vectors), plain)
    torch.testing.assert_close(many.cosines(vectors), cosine(many.directions, vectors))
    expected = plain / vectors.norm(dim=1)[:, None]
    torch.testing.assert_close(many.cosines(vectors), expected)


def test_gradient_in_float64():
    many = episodes()
    vectors = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    assert torch.autograd.gradcheck(many.products, (vectors.requires_grad_(),))
    assert torch.autograd.gradcheck(many.cosines, (vectors,))


def test_directions_have_length_one_supports_first():
    many = episodes(shots=2, cells=20)
    torch.testing.assert_close(many.directions.norm(dim=2), torch.ones(3, 60).double())
    assert many.support_directions.shape == (3, 40, 5)
    again = torch.cat([many.support_directions, many.query_directions], 1)
    assert torch.equal(again, many.directions)
