import math

import pytest
import torch
import torch.nn.functional as F

from phr_mmpose.models import PartDetectorHead
from phr_mmpose.utils.errors import UserError


def test_parameters_by_hand():
    head = PartDetectorHead(in_channels=2048, out_channels=16)
    score, up = 2048 * 16 + 16, 16 * 16 * 4 * 4 + 16
    assert sum(p.numel() for p in head.parameters()) == score + up


def test_merged_layers_are_one_deconvolution():
    head = PartDetectorHead(in_channels=2048, out_channels=16, merged=True)
    assert sum(p.numel() for p in head.parameters()) == 2048 * 16 * 4 * 4 + 16


def test_scores_the_last_map_and_interpolates_what_is_missing():
    head = PartDetectorHead(in_channels=3, out_channels=2, deconv_stride=2)
    torch.nn.init.normal_(head.score.weight)
    feats = (torch.randn(1, 9, 8, 8), torch.randn(1, 3, 4, 6))
    scores = head.up(head.score(feats[1]))
    assert torch.equal(head(feats, (8, 12)), scores)
    expected = F.interpolate(scores, scale_factor=4, mode='bilinear')
    torch.testing.assert_close(head(feats, (32, 48)), expected)
    # A constant stays one, however far up.
    head.score.weight.data.zero_()
    head.score.bias.data.fill_(3)
    torch.testing.assert_close(head(feats, (33, 47)), torch.full((1, 2, 33, 47), 3.0))


@pytest.mark.parametrize('deconv_stride', [1, 4])
@pytest.mark.parametrize('prior', [0.5, 0.01])
def test_starts_from_the_prior_and_learns(deconv_stride, prior):
    torch.manual_seed(0)
    head = PartDetectorHead(3, 2, deconv_stride, prior=prior)
    head.init_weights()
    feats = (torch.randn(2, 3, 4, 4),)
    logits = head(feats, (16, 16))
    expected = math.log(prior / (1 - prior))
    torch.testing.assert_close(logits, torch.full_like(logits, expected))
    optimizer = torch.optim.SGD(head.parameters(), lr=1)
    for _ in range(2):
        optimizer.zero_grad()
        target = torch.zeros(2, 2, 16, 16)
        target[:, :, 3:6, 3:6] = 1
        F.binary_cross_entropy_with_logits(head(feats, (16, 16)), target).backward()
        optimizer.step()
    assert all(p.grad.any() for p in head.parameters())


def test_logits_are_float32_under_mixed_precision_where_they_are_interpolated():
    head = PartDetectorHead(3, 2)
    with torch.autocast('cpu', torch.bfloat16):
        assert head((torch.randn(1, 3, 2, 2),), (32, 32)).dtype == torch.float32


def test_other_channels_get_one_line():
    head = PartDetectorHead(in_channels=64, out_channels=2)
    with pytest.raises(UserError, match=r'in_channels is 64.*map has 32; set it to 32'):
        head((torch.randn(1, 32, 4, 4),), (16, 16))


@pytest.mark.parametrize(
    'arguments, words',
    [
        (dict(prior=1), 'prior must lie between 0 and 1'),
        (dict(deconv_stride=0), 'deconv_stride must be >= 1'),
    ],
)
def test_bad_arguments_get_one_line(arguments, words):
    with pytest.raises(UserError, match=words):
        PartDetectorHead(4, 2, **arguments)
