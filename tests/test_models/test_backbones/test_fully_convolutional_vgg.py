"""The paper's VGG trunk is torchvision's network with convolutions at its end."""

import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from torchvision.models import vgg16

from phr_mmpose.models import FullyConvolutionalVGG
from phr_mmpose.utils.errors import UserError


def narrow(**changes):
    return FullyConvolutionalVGG(**{'width': 8, 'hidden': 16, 'kernel': 3, **changes})


def test_the_paper_s_size():
    with torch.device('meta'):
        trunk = FullyConvolutionalVGG()
        levels = trunk(torch.empty(2, 3, 380, 380))
    # Thirteen 3x3 convolutions of VGG-16, then 7x7x512x4096 and 1x1x4096x4096.
    sizes = (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
    expected, last = 0, 3
    for size in sizes:
        expected += 9 * last * size + size
        last = size
    expected += 49 * 512 * 4096 + 4096 + 4096 * 4096 + 4096
    assert sum(p.numel() for p in trunk.parameters()) == expected
    assert [tuple(level.shape) for level in levels] == [
        (2, 256, 48, 48),
        (2, 512, 24, 24),
        (2, 4096, 12, 12),
    ]


def test_takes_torchvision_s_weights_by_name():
    with torch.device('meta'):
        names = {
            name: weight.shape
            for name, weight in vgg16(weights=None).state_dict().items()
            if not name.startswith('classifier.6')
        }
        own = FullyConvolutionalVGG().state_dict()
    assert own.keys() == names.keys()
    assert all(own[name].numel() == shape.numel() for name, shape in names.items())


@pytest.mark.parametrize('prefix', ['', 'backbone.'])
def test_a_fully_connected_layer_becomes_the_same_convolution(prefix):
    torch.manual_seed(0)
    trunk = narrow(dropout=0.0)
    # As torchvision has it: 3x3 cells of 64 channels in a row.
    dense = torch.nn.Linear(64 * 9, 16)
    state = {f'{prefix}{name}': value for name, value in trunk.state_dict().items()}
    state[f'{prefix}classifier.0.weight'] = dense.weight.detach()
    state[f'{prefix}classifier.0.bias'] = dense.bias.detach()
    owner = torch.nn.ModuleDict({'backbone': trunk}) if prefix else trunk
    load_state_dict(owner, state, strict=True)
    cells = torch.randn(1, 64, 3, 3)
    # The middle cell sees all nine.
    torch.testing.assert_close(
        trunk.classifier[0](cells)[..., 1, 1], dense(cells.flatten(1))
    )


def test_pools_round_up():
    levels = narrow().eval()(torch.zeros(1, 3, 76, 40))
    # 76: 38, 19, 10, 5, 3; 40: 20, 10, 5, 3, 2.
    assert [tuple(level.shape[2:]) for level in levels] == [(10, 5), (5, 3), (3, 2)]


def test_batch_norms_and_dropout_are_options():
    kinds = [type(layer) for layer in narrow(batch_norm=True).features]
    assert kinds.count(torch.nn.BatchNorm2d) == 13
    assert torch.nn.BatchNorm2d not in map(type, narrow().features)
    layers = narrow(dropout=0.25).classifier
    assert [m.p for m in layers if isinstance(m, torch.nn.Dropout)] == [0.25, 0.25]


def test_every_weight_gets_a_gradient():
    trunk = narrow(batch_norm=True)
    trunk.init_weights()
    sum(level.square().sum() for level in trunk(torch.randn(2, 3, 64, 64))).backward()
    assert all(p.grad is not None and p.grad.any() for p in trunk.parameters())


@pytest.mark.parametrize(
    ('wrong', 'message'),
    [({'width': 0}, 'width'), ({'hidden': 0}, 'hidden'), ({'kernel': 4}, 'kernel')],
)
def test_wrong_arguments(wrong, message):
    with pytest.raises(UserError, match=message):
        narrow(**wrong)
