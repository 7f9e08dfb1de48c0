import pytest
import torch
from torch import nn

from phr_mmpose.models.layers import PreActBottleneck, residual_chain


def test_parameters_by_hand():
    # BN 2*4, 1x1 4*2+2, BN 2*2, 3x3 9*2*2+2, BN 2*2, 1x1 2*4+4; skip: none
    same = PreActBottleneck(4, 4)
    assert sum(p.numel() for p in same.parameters()) == 8 + 10 + 4 + 38 + 4 + 12
    assert isinstance(same.skip, nn.Identity)
    # BN 2*4, 1x1 4*4+4, BN 8, 3x3 9*16+4, BN 8, 1x1 4*8+8; skip 4*8+8
    wider = PreActBottleneck(4, 8)
    assert sum(p.numel() for p in wider.parameters()) == 8 + 20 + 8 + 148 + 8 + 40 + 40


def test_the_skip_carries_the_input_unchanged():
    block = PreActBottleneck(4, 4).eval()
    nn.init.zeros_(block.residual[-1].weight)
    nn.init.zeros_(block.residual[-1].bias)
    features = torch.randn(1, 4, 3, 3)
    before = features.clone()
    assert torch.equal(block(features), before)
    assert torch.equal(features, before)  # nothing in place on the input


@pytest.mark.parametrize('out_channels', [8, 16])
def test_shape_and_gradient(out_channels):
    block = PreActBottleneck(8, out_channels)
    features = torch.randn(2, 8, 5, 3, requires_grad=True)
    output = block(features)
    assert output.shape == (2, out_channels, 5, 3)
    output.square().sum().backward()
    assert all(p.grad is not None for p in block.parameters())
    assert features.grad.abs().sum() > 0


def test_a_chain_goes_through_all_channels():
    chain = residual_chain(4, 8, 8)
    assert [type(each) for each in chain] == [PreActBottleneck] * 2
    assert [type(each.skip) for each in chain] == [nn.Conv2d, nn.Identity]
    assert chain(torch.ones(1, 4, 3, 3)).shape == (1, 8, 3, 3)
