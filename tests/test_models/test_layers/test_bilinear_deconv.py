import pytest
import torch

from phr_mmpose.models.layers import BilinearDeconv2d


def test_filters_by_hand():
    # Tents of the kernel's width, with mean 1: 1/4 3/4 3/4 1/4 and 1/2 1 1/2.
    for stride, profile in {
        1: [1.0],
        2: [1.0, 1.0],
        3: [0.75, 1.5, 0.75],
        4: [0.5, 1.5, 1.5, 0.5],
    }.items():
        layer = BilinearDeconv2d(2, stride)
        expected = torch.outer(torch.tensor(profile), torch.tensor(profile))
        torch.testing.assert_close(layer.weight[0, 0], expected)
        torch.testing.assert_close(layer.weight[1, 1], expected)
        assert layer.weight[0, 1].abs().sum() == layer.weight[1, 0].abs().sum() == 0


@pytest.mark.parametrize('stride', [1, 2, 3, 4, 8])
def test_a_constant_keeps_its_mean_and_its_channel(stride):
    maps = torch.tensor([2.0, -3.0]).view(1, 2, 1, 1).expand(1, 2, 3, 5)
    up = BilinearDeconv2d(2, stride)(maps)
    assert up.shape == (1, 2, 3 * stride, 5 * stride)
    torch.testing.assert_close(up.mean(dim=(0, 2, 3)), torch.tensor([2.0, -3.0]))


def test_it_learns():
    layer = BilinearDeconv2d(3, 2)
    layer(torch.rand(1, 3, 2, 2)).square().sum().backward()
    assert layer.weight.requires_grad and layer.weight.grad.abs().sum() > 0
