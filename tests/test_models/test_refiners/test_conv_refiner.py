"""The refiner of large kernels."""

import pytest
import torch
from torch import nn

from phr_mmpose.models import ConvRefiner
from phr_mmpose.utils.errors import UserError


def narrow(**changes):
    options = dict(widths=(4, 4, 6), kernels=(5, 7, 1))
    return ConvRefiner(5, 2, **{**options, **changes})


def test_the_paper_s_size():
    with torch.device('meta'):
        refiner = ConvRefiner(19, 16)
        maps = refiner(torch.empty(2, 19, 380, 380))
    # Table 2: channels and kernels of C1 to C8, each with biases.
    expected = (
        (19 * 81 + 1) * 64
        + (64 * 169 + 1) * 64
        + (64 * 169 + 1) * 128
        + (128 * 225 + 1) * 256
        + (256 + 1) * 512
        + (512 + 1) * 512
        + (512 + 1) * 16
        + 16 * 16 * 64
        + 16
    )
    assert sum(p.numel() for p in refiner.parameters()) == expected
    assert maps.shape == (2, 16, 380, 380)


@pytest.mark.parametrize('stride', [1, 2, 4])
@pytest.mark.parametrize('init', ['gaussian', 'kaiming'])
def test_sizes_and_gradients(stride, init):
    torch.manual_seed(0)
    refiner = narrow(output_stride=stride, init=init, batch_norm=init == 'kaiming')
    maps = refiner(torch.randn(2, 5, 16, 24))
    assert maps.shape == (2, 2, 16 // stride, 24 // stride)
    maps.square().sum().backward()
    if init == 'gaussian':
        assert all(p.grad.any() for p in refiner.parameters())
    else:
        # The scores begin at zero, and learn from the first step on.
        assert not maps.any()
        refiner(torch.randn(2, 5, 16, 24)).sum().backward()
        assert refiner.score.weight.grad.any()


def test_each_convolution_can_have_a_batch_norm():
    for batch_norm, sizes in ((False, []), (True, [4, 6, 8])):
        refiner = narrow(widths=(4, 6, 8), batch_norm=batch_norm)
        norms = [m for m in refiner.modules() if isinstance(m, nn.BatchNorm2d)]
        assert [norm.num_features for norm in norms] == sizes


def test_pools_follow_the_first_two_convolutions():
    letters = {nn.Conv2d: 'C', nn.ReLU: 'r', nn.MaxPool2d: 'p'}
    assert ''.join(letters[type(m)] for m in narrow().features) == 'CrpCrpCr'


def test_all_weights_are_gaussian():
    torch.manual_seed(0)
    refiner = ConvRefiner(8, 4, widths=(64, 64, 64), kernels=(5, 5, 1))
    for module in refiner.modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
            assert module.weight.std().item() == pytest.approx(0.01, rel=0.25)
            assert not module.bias.any()


def test_the_last_layer_begins_as_interpolation():
    refiner = narrow(init='kaiming')
    # A slope of one per cell, away from the edges: a quarter per pixel.
    cells = torch.arange(8.0).expand(1, 2, 8, 8)
    pixels = refiner.up(cells)[0, 0, 16]
    torch.testing.assert_close(
        pixels[8:24], (torch.arange(8.0, 24) - 1.5) / 4, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [
        ({'kernels': (5, 7)}, 'one length'),
        ({'kernels': (5, 6, 1)}, 'odd'),
        ({'output_stride': 3}, 'output_stride'),
        ({'init': 'zero'}, 'init'),
    ],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(UserError, match=message):
        narrow(**wrong)
