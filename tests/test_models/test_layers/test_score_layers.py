import pytest
import torch
from torch import nn

from phr_mmpose.models.layers import (
    BilinearDeconv2d,
    build_score_layers,
    start_from_prior,
)
from phr_mmpose.utils.errors import UserError


@pytest.mark.parametrize('merged', [False, True])
@pytest.mark.parametrize('stride', [1, 2, 4])
def test_maps_start_at_zero_on_the_finer_grid(merged: bool, stride: int) -> None:
    score, up = build_score_layers(5, 3, stride, merged)
    maps = up(score(torch.randn(2, 5, 4, 6)))
    assert maps.shape == (2, 3, 4 * stride, 6 * stride)
    assert not maps.any()


def test_the_papers_layers_deconvolve_scores_and_merged_ones_features() -> None:
    score, up = build_score_layers(5, 3, 4)
    assert isinstance(score, nn.Conv2d) and isinstance(up, BilinearDeconv2d)
    assert up.in_channels == 3
    score, up = build_score_layers(5, 3, 4, merged=True)
    assert isinstance(up, nn.Identity)
    assert (score.in_channels, score.out_channels, score.stride) == (5, 3, (4, 4))


@pytest.mark.parametrize('prior', [0.5, 0.01])
def test_logits_start_from_the_prior(prior: float) -> None:
    score, _ = build_score_layers(5, 3, 1)
    start_from_prior(score, prior)
    logits = score(torch.randn(2, 5, 4, 6))
    torch.testing.assert_close(logits.sigmoid(), torch.full_like(logits, prior))


@pytest.mark.parametrize('prior', [0, 1, -0.1, float('nan')])
def test_no_probability_is_no_prior(prior: float) -> None:
    with pytest.raises(UserError, match=f'between 0 and 1, got {prior}'):
        start_from_prior(nn.Conv2d(1, 1, 1), prior)
