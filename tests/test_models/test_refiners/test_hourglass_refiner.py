import pytest
import torch
from mmpose.registry import MODELS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from phr_mmpose.models import HourglassRefiner
from phr_mmpose.utils.errors import UserError


def count(module):
    return sum(p.numel() for p in module.parameters())


def tiny(**kwargs):
    arguments = dict(in_channels=5, out_channels=2, width=16, depth=2, blocks=1)
    return HourglassRefiner(**{**arguments, **kwargs})


def test_the_released_graph_has_the_released_weights_size():
    refiner = HourglassRefiner(19, 16)
    assert count(refiner) == 17_370_528
    assert refiner.input_divisor == 64


def test_the_released_graph_s_operations():
    with torch.device('meta'):
        refiner = HourglassRefiner(19, 16)
        picture = torch.empty(1, 19, 256, 256)
    with FlopCounterMode(display=False) as counter:
        assert refiner(picture).shape == (1, 16, 256, 256)
    # Two operations per multiplication and addition.
    assert counter.get_total_flops() / 2 == pytest.approx(15.7e9, rel=0.005)


def test_the_paper_s_graph_follows_table_4():
    with torch.device('meta'):
        refiner = HourglassRefiner(19, 16, graph='paper')
        shapes = {}
        for name in ('stem', 'hourglass', 'tail'):
            refiner.get_submodule(name).register_forward_hook(
                lambda _, __, output, name=name: shapes.update({name: output.shape})
            )
        refiner(torch.empty(1, 19, 256, 256))
    assert shapes['stem'] == shapes['hourglass'] == (1, 256, 64, 64)
    assert shapes['tail'] == (1, 16, 256, 256)
    # The tail: D6 1x1 256 -> 512 with its norm, D7's scores, deconvolution 4x4.
    tail = (256 * 512 + 512) + 2 * 512 + (512 * 16 + 16) + (16 * 16 * 16 + 16)
    assert count(refiner.tail) == tail
    # Each level: three bottlenecks on the skip, three below, one deconvolution.
    block = 512 + (256 * 128 + 128) + 256 + (9 * 128**2 + 128) + 256 + (128 * 256 + 256)
    assert count(refiner.hourglass) == 4 * (6 * block + 4 * 256**2 + 256)


@pytest.mark.parametrize('graph', ['paper', 'released'])
@pytest.mark.parametrize('stride', [1, 2, 4])
def test_shapes(graph, stride):
    refiner = tiny(graph=graph, output_stride=stride)
    maps = refiner(torch.randn(2, 5, 32, 48))
    assert maps.shape == (2, 2, 32 // stride, 48 // stride)


@pytest.mark.parametrize('graph', ['paper', 'released'])
def test_sizes_are_options(graph):
    base = count(tiny(graph=graph))
    assert count(tiny(graph=graph, width=32)) > 3 * base
    assert count(tiny(graph=graph, depth=3)) > base
    assert count(tiny(graph=graph, blocks=2)) > base
    kernel = count(tiny(graph=graph, stem_kernel=3))
    assert base - kernel == (49 - 9) * 5 * 4  # the stem has 16 / 4 filters
    for depth, side in {1: 8, 2: 16, 3: 32}.items():
        refiner = tiny(graph=graph, depth=depth)
        assert refiner.input_divisor == side
        assert refiner(torch.randn(2, 5, side, side)).shape == (2, 2, side, side)


@pytest.mark.parametrize('graph', ['paper', 'released'])
def test_merged_scores_are_a_deconvolution_of_the_features(graph):
    *_, score, up = tiny(graph=graph, merged=True).tail
    assert isinstance(score, nn.ConvTranspose2d) and isinstance(up, nn.Identity)
    assert (score.out_channels, score.stride) == (2, (4, 4))


@pytest.mark.parametrize('graph', ['paper', 'released'])
def test_a_level_adds_its_skip(graph):
    level = tiny(graph=graph).eval().hourglass
    features = torch.randn(1, 16, 8, 8)
    expected = level.skip(features) + level.lower(features)
    torch.testing.assert_close(level(features), expected)


@pytest.mark.parametrize('graph', ['paper', 'released'])
def test_training_starts_from_zero_maps_and_reaches_every_parameter(graph):
    torch.manual_seed(0)
    refiner = tiny(graph=graph)
    refiner.init_weights()  # as the runner does; must not undo the start
    optimizer = torch.optim.SGD(refiner.parameters(), lr=0.1)
    stack, target = torch.randn(4, 5, 32, 32), torch.rand(4, 2, 32, 32)
    losses = []
    for step in range(3):
        maps = refiner(stack)
        if step == 0:
            assert not maps.any()
        loss = (maps - target).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    silent = [n for n, p in refiner.named_parameters() if not p.grad.any()]
    # A bias before a norm layer has no effect in training.
    assert all(n.endswith('.bias') for n in silent)
    assert not [n for n, p in refiner.named_parameters() if not p.grad.isfinite().all()]
    assert losses[2] < losses[1] < losses[0]


def test_state_dict_round_trip():
    torch.manual_seed(0)
    first, second = tiny().eval(), tiny().eval()
    torch.nn.init.normal_(first.tail[-2].weight)
    second.load_state_dict(first.state_dict(), strict=True)
    stack = torch.randn(1, 5, 32, 32)
    assert first(stack).any()
    assert torch.equal(first(stack), second(stack))


@pytest.mark.parametrize(
    'arguments, words',
    [
        (dict(graph='unet'), "graph must be 'paper' or 'released', got 'unet'"),
        (dict(width=12), 'width must be a multiple of 8, got 12'),
        (dict(width=0), 'width must be'),
        (dict(depth=0), 'depth and blocks must be >= 1'),
        (dict(blocks=0), 'depth and blocks must be >= 1'),
        (dict(stem_kernel=4), 'stem_kernel must be odd and positive, got 4'),
        (dict(stem_kernel=-1), 'stem_kernel must be odd and positive'),
        (dict(output_stride=3), 'output_stride must be 1, 2 or 4, got 3'),
        (dict(output_stride=8), 'output_stride must be 1, 2 or 4, got 8'),
    ],
)
def test_bad_arguments_get_one_line(arguments, words):
    with pytest.raises(UserError, match=words) as error:
        tiny(**arguments)
    assert '\n' not in str(error.value)


def test_registered():
    assert MODELS.get('HourglassRefiner') is HourglassRefiner
