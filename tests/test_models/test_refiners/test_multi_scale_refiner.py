"""MSS-Net's refiner: sizes, start and seam with the cascade."""

import pytest
import torch
from cascade_samples import PARTS, SIDE, batch, build_model
from mmpose.registry import MODELS

from phr_mmpose.models import MultiScaleRefiner
from phr_mmpose.models.fusing import fuse_conv_bn
from phr_mmpose.utils.errors import UserError


def tiny(**changes):
    torch.manual_seed(0)
    options = dict(in_channels=5, out_channels=2, width=8, depth=2)
    return MultiScaleRefiner(**{**options, **changes})


def test_its_size():
    with torch.device('meta'):
        refiner = MultiScaleRefiner(4 * 16 + 256, 16)
        assert refiner(torch.empty(1, 320, 64, 64)).shape == (1, 16, 64, 64)
    assert refiner.input_divisor == 16
    # Stem; per level a convolution and a deconvolution of 4x4; the bottom; scores.
    conv, norm = 9 * 256 * 256 + 256, 2 * 256
    level = conv + norm + (16 * 256 * 256 + 256) + norm
    expected = (9 * 320 * 256 + 256) + norm + 4 * level + 2 * (conv + norm) + 257 * 16
    assert sum(p.numel() for p in refiner.parameters()) == expected


@pytest.mark.parametrize('stride', [1, 2, 4])
def test_shapes(stride):
    refiner = tiny(output_stride=stride)
    side = refiner.input_divisor
    assert side == 4 * stride
    maps = refiner(torch.randn(2, 5, side, 2 * side))
    assert maps.shape == (2, 2, 4, 8)


def test_it_is_what_it_says_layer_by_layer():
    model = tiny(depth=2)
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.eval()
    stack = torch.randn(1, model.in_channels, 8, 12)

    def conv(layers, features):
        convolution, norm, _ = layers
        return norm(convolution(features)).clamp(min=0)

    def level(module, features, depth):
        down, inner, up = module.lower[:3], module.lower[3], module.lower[4:]
        lower = conv(down, features)
        if depth > 1:
            lower = level(inner, lower, depth - 1)
        else:
            lower = conv(inner[3:], conv(inner[:3], lower))
        # A skip is added on each size.
        return features + conv(up, lower)

    with torch.no_grad():
        features = level(model.levels, conv(model.stem, stack), 2)
        torch.testing.assert_close(model(stack), model.score(features))


def test_training_starts_from_zero_maps_and_reaches_every_parameter():
    refiner = tiny()
    refiner.init_weights()  # as the runner does; must not undo the start
    optimizer = torch.optim.SGD(refiner.parameters(), lr=0.1)
    stack = torch.randn(4, 5, 16, 16)
    for step in range(3):
        maps = refiner(stack)
        if step == 0:
            assert not maps.any()
        optimizer.zero_grad()
        (maps - 1).square().mean().backward()
        optimizer.step()
    silent = [n for n, p in refiner.named_parameters() if not p.grad.any()]
    # A bias before a norm layer has no effect in training.
    assert all(n.endswith('.bias') for n in silent)


def test_from_the_middle_it_sees_the_whole_stack():
    refiner = tiny(depth=3).eval()
    for parameter in refiner.parameters():
        torch.nn.init.ones_(parameter)  # so that no ReLU hides anything
    stack = torch.zeros(1, 5, 32, 32, requires_grad=True)
    refiner(stack)[0, 0, 16, 16].backward()
    assert stack.grad.all()


def test_it_fuses_for_inference():
    refiner = tiny()
    torch.nn.init.normal_(refiner.score.weight)
    stack = torch.randn(2, 5, 16, 16)
    refiner(stack)  # other statistics than 0 and 1
    refiner.eval()
    with torch.no_grad():
        torch.testing.assert_close(
            fuse_conv_bn(refiner)(stack), refiner(stack), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize('stride', [1, 4])
def test_a_plain_cascade_takes_it(stride):
    model = build_model(
        dict(
            heatmap_size=(SIDE // stride, SIDE // stride),
            refiner=dict(type='MultiScaleRefiner', width=8, depth=2),
        )
    )
    assert model.head.refiner.in_channels == 3 + PARTS
    assert model.head.refiner.output_stride == stride
    images, samples = batch()
    losses = model.loss(images, samples)
    assert losses['loss_refiner'].isfinite()


@pytest.mark.parametrize(
    ('wrong', 'words'),
    [
        (dict(width=0), 'width and depth must be >= 1'),
        (dict(depth=0), 'width and depth must be >= 1'),
        (dict(output_stride=3), 'power of two, got 3'),
        (dict(output_stride=0), 'power of two, got 0'),
    ],
)
def test_wrong_arguments(wrong, words):
    with pytest.raises(UserError, match=words) as error:
        tiny(**wrong)
    assert '\n' not in str(error.value)


def test_registered():
    assert MODELS.get('MultiScaleRefiner') is MultiScaleRefiner
