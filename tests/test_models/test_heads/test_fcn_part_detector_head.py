"""Scores of several levels, added and enlarged."""

import pytest
import torch

from phr_mmpose.models import FCNPartDetectorHead
from phr_mmpose.utils.errors import UserError


def head(channels=(2, 3), parts=2, **options):
    built = FCNPartDetectorHead(channels, parts, **options)
    for score in built.scores:
        torch.nn.init.normal_(score.weight)
    return built


def test_begins_at_zero_and_still_learns():
    built = FCNPartDetectorHead((2, 3), 2)
    logits = built((torch.randn(1, 2, 4, 4), torch.randn(1, 3, 2, 2)), (32, 32))
    assert logits.shape == (1, 2, 32, 32) and not logits.any()
    logits.sum().backward()
    assert all(score.weight.grad.any() for score in built.scores)


def test_adds_constant_levels():
    built = head()
    fine, coarse = torch.full((1, 2, 4, 4), 2.0), torch.full((1, 3, 2, 2), -1.0)
    expected = built.scores[0](fine)[..., :1, :1] + built.scores[1](coarse)[..., :1, :1]
    logits = built((fine, coarse), (32, 32))
    torch.testing.assert_close(logits, expected.expand(1, 2, 32, 32))


def test_a_cell_stands_for_its_own_pixels():
    # One level at stride 4: cell (1, 2) is brightest at pixels 4-7 and 8-11.
    built = FCNPartDetectorHead((1,), 1, stride=4)
    torch.nn.init.ones_(built.scores[0].weight)
    cells = torch.zeros(1, 1, 4, 4)
    cells[0, 0, 1, 2] = 1
    logits = built((cells,), (16, 16))[0, 0].detach()
    weights = logits / logits.sum()
    positions = torch.arange(16.0)
    assert (weights.sum(1) * positions).sum() == pytest.approx(5.5, abs=1e-5)
    assert (weights.sum(0) * positions).sum() == pytest.approx(9.5, abs=1e-5)


def test_what_lies_beyond_the_edge_is_cut_off():
    # The paper's sizes: 380 px give 48, 24 and 12 cells of 8, 16 and 32 px.
    built = head((1, 1, 1), 1)
    levels = [torch.randn(1, 1, side, side) for side in (48, 24, 12)]
    logits = built(levels, (380, 380))
    assert logits.shape == (1, 1, 380, 380)
    assert torch.equal(logits, built(levels, (384, 384))[..., :380, :380])


def test_maps_at_a_part_of_the_input_s_resolution():
    levels = (torch.randn(1, 2, 12, 12), torch.randn(1, 3, 6, 6))
    assert head()(levels, (48, 48)).shape == (1, 2, 48, 48)


@pytest.mark.parametrize(
    ('stride', 'cells', 'size'), [(32, 8, 64), (32, 6, 48), (16, 8, 64)]
)
def test_few_cells_are_enlarged_by_no_more_than_fits(stride, cells, size):
    built = FCNPartDetectorHead([1], 1, stride=stride)
    torch.nn.init.ones_(built.scores[0].weight)
    ramp = torch.arange(float(cells)).expand(1, 1, cells, cells)
    row = built((ramp,), (size, size))[0, 0, 0]
    assert (row[0], row[-1]) == (0, cells - 1)
    assert torch.equal(row, row[-1] - row.flip(0))


def test_an_odd_level_fits_below_an_even_one():
    levels = (torch.randn(1, 2, 5, 5), torch.randn(1, 3, 3, 3))
    assert head()(levels, (40, 38)).shape == (1, 2, 40, 38)


@pytest.mark.parametrize(
    ('shapes', 'size', 'message'),
    [
        (((1, 3, 4, 4), (1, 3, 2, 2)), (32, 32), 'set it to'),
        (((1, 2, 8, 8), (1, 3, 2, 2)), (64, 64), 'twice as fine'),
        (((1, 2, 4, 4), (1, 3, 2, 2)), (64, 64), 'cannot bring'),
        (((1, 2, 4, 4), (1, 3, 2, 2)), (16, 8), 'cannot bring'),
    ],
)
def test_levels_that_do_not_fit(shapes, size, message):
    with pytest.raises(UserError, match=message):
        head()([torch.zeros(shape) for shape in shapes], size)


def test_an_untrained_detector_says_its_prior():
    built = FCNPartDetectorHead((2, 3), 2, prior=0.01)
    levels = (torch.randn(1, 2, 4, 4), torch.randn(1, 3, 2, 2))
    probability = built(levels, (32, 32)).sigmoid()
    torch.testing.assert_close(probability, torch.full((1, 2, 32, 32), 0.01))


def test_wrong_arguments():
    with pytest.raises(UserError, match='prior'):
        FCNPartDetectorHead((1,), 1, prior=1.0)
    with pytest.raises(UserError, match='positive stride'):
        FCNPartDetectorHead((1,), 1, stride=0)
