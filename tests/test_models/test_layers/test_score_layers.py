import pytest
import torch
from torch import nn

from phr_mmpose.models.layers import BilinearDeconv2d, build_score_layers


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
