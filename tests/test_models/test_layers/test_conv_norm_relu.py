import pytest
import torch
from torch import nn

from phr_mmpose.models.layers import conv_norm_relu


@pytest.mark.parametrize(
    ('kernel', 'stride', 'side'), [(1, 1, 8), (3, 2, 4), (7, 1, 8)]
)
def test_sizes_and_a_value_by_hand(kernel, stride, side):
    layers = nn.Sequential(*conv_norm_relu(2, 1, kernel, stride)).eval()
    nn.init.zeros_(layers[0].weight)
    layers[0].weight.data[0, 0, kernel // 2, kernel // 2] = 2
    nn.init.constant_(layers[0].bias, -1)
    found = layers(torch.ones(1, 2, 8, 8))
    # 2 x 1 - 1, normed by a mean of 0 and a variance of 1.
    torch.testing.assert_close(found, torch.ones(1, 1, side, side), rtol=1e-4, atol=0)
    assert not layers(-torch.ones(1, 2, 8, 8)).any()
