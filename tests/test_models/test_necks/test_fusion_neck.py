import pytest
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

from phr_mmpose.models.necks import FusionNeck
from phr_mmpose.utils.errors import UserError


@pytest.fixture
def levels():
    torch.manual_seed(0)
    return [torch.randn(2, 3, 8, 12), torch.randn(2, 5, 4, 6), torch.randn(2, 2, 2, 3)]


def test_levels_stay_and_the_finest_gets_the_mixed_features(levels):
    init_default_scope('mmpose')
    neck = MODELS.build(
        dict(type='FusionNeck', in_channels=[3, 5, 2], mixed_channels=4)
    )
    found = neck(levels)
    assert [each.shape[1] for each in found] == [7, 5, 2]
    torch.testing.assert_close(found[0][:, :3], levels[0])
    torch.testing.assert_close(found[1], levels[1])
    torch.testing.assert_close(found[2], levels[2])
    assert (found[0][:, 3:] >= 0).all()


def test_projections_are_enlarged_and_added(levels):
    neck = FusionNeck([3, 5, 2], 4).eval()
    neck.mix = torch.nn.Identity()
    (found, *_) = neck(levels)
    first, second, third = (
        lateral(level) for lateral, level in zip(neck.laterals, levels, strict=True)
    )
    second = second + F.interpolate(third, (4, 6), mode='bilinear')
    expected = first + F.interpolate(second, (8, 12), mode='bilinear')
    torch.testing.assert_close(found[:, 3:], expected)


def test_mixed_features_see_their_neighbourhood(levels):
    neck = FusionNeck([3, 5, 2], 4, kernel_size=3).eval()
    level = levels[0].requires_grad_()
    (found, *_) = neck([level, *levels[1:]])
    found[0, 3:, 4, 6].sum().backward()
    rows, columns = level.grad[0].abs().sum(0).nonzero().T
    assert rows.min() >= 3 and rows.max() <= 5
    assert columns.min() >= 5 and columns.max() <= 7 and len(rows) > 1


def test_an_even_kernel_is_refused():
    with pytest.raises(UserError, match='kernel_size'):
        FusionNeck([3], kernel_size=4)


def test_other_levels_get_one_line(levels):
    neck = FusionNeck([3, 4, 2], 4)
    for feats, channels in ((levels, '(3, 5, 2)'), (levels[:2], '(3, 5)')):
        with pytest.raises(UserError) as caught:
            neck(feats)
        assert str(caught.value) == (
            f'FusionNeck in_channels is (3, 4, 2), the levels have {channels}; set it '
            f'to {channels}'
        )
