import copy

import pytest
import torch
from cascade_samples import batch, build_model
from mmcv.cnn import ConvModule
from mmpose.registry import MODELS
from torch import nn

from phr_mmpose.models import ConvRefiner, FullyConvolutionalVGG, HourglassRefiner
from phr_mmpose.models.fusing import fuse_conv_bn

BRANCH = dict(num_modules=1, block='BASIC')
HRNET = dict(
    type='HRNet',
    in_channels=3,
    extra=dict(
        stage1=dict(
            num_modules=1,
            num_branches=1,
            block='BOTTLENECK',
            num_blocks=(1,),
            num_channels=(8,),
        ),
        stage2=dict(**BRANCH, num_branches=2, num_blocks=(1, 1), num_channels=(8, 16)),
        stage3=dict(
            **BRANCH, num_branches=3, num_blocks=(1,) * 3, num_channels=(8, 16, 32)
        ),
        stage4=dict(
            **BRANCH,
            num_branches=4,
            num_blocks=(1,) * 4,
            num_channels=(8, 16, 32, 64),
        ),
    ),
)


def norms(module):
    kind = nn.modules.batchnorm._BatchNorm
    return sum(isinstance(m, kind) for m in module.modules())


def trained(module):
    """Give norms the statistics and weights of some training."""
    torch.manual_seed(3)
    for layer in module.modules():
        if getattr(layer, 'running_mean', None) is not None:
            nn.init.normal_(layer.running_mean)
            nn.init.uniform_(layer.running_var, 0.2, 3)
            if layer.affine:
                nn.init.normal_(layer.weight, 1, 0.3)
                nn.init.normal_(layer.bias)
    return module


def check(module, *inputs, left=0):
    """Fold; expect the same values, ``left`` norms, and the original as it was."""
    before = copy.deepcopy(module.state_dict())
    gradients = [p.requires_grad for p in module.parameters()]
    mode = module.training
    fused = fuse_conv_bn(module)
    assert module.training == mode
    assert gradients == [p.requires_grad for p in module.parameters()]
    after = module.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert type(fused) is type(module) and not fused.training
    assert not any(p.requires_grad for p in fused.parameters())
    assert norms(fused) == left < norms(module)
    module.eval()
    with torch.no_grad():
        expected, found = module(*inputs), fused(*inputs)
    for a, b in zip(
        *([x] if torch.is_tensor(x) else x for x in (found, expected)), strict=True
    ):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4 * b.abs().max().item())
    return fused


@pytest.mark.parametrize(
    'config',
    [
        dict(type='ResNet', depth=18, base_channels=8, strides=(1, 2, 2, 1)),
        dict(type='ResNet', depth=50, base_channels=8),
        dict(type='ResNet', depth=18, base_channels=8, with_cp=True),
        dict(type='ResNet', depth=18, base_channels=8, deep_stem=True),
        dict(type='MobileNetV2', widen_factor=0.25),
        HRNET,
    ],
    ids=['res18', 'res50', 'checkpointed', 'deep-stem', 'mobilenet', 'hrnet'],
)
def test_a_backbone_keeps_no_norm(config):
    build_model()  # sets the scope
    check(trained(MODELS.build(config)), torch.randn(2, 3, 64, 64))


def test_the_vgg_trunk():
    vgg = FullyConvolutionalVGG(width=4, hidden=16, kernel=3, batch_norm=True)
    check(trained(vgg), torch.randn(2, 3, 64, 64))


@pytest.mark.parametrize('graph', ['paper', 'released'])
def test_a_norm_that_opens_a_block_stays(graph):
    refiner = HourglassRefiner(7, 4, graph=graph, width=16, depth=1, blocks=1)
    nn.init.normal_(refiner.tail[-2].weight)
    blocks = sum(type(m).__name__ == 'PreActBottleneck' for m in refiner.modules())
    # The others of each block follow a convolution.
    check(trained(refiner), torch.randn(2, 7, 32, 32), left=blocks)


def test_the_plain_refiner():
    refiner = ConvRefiner(
        7, 4, widths=(4, 4, 8), kernels=(3, 3, 1), init='kaiming', batch_norm=True
    )
    nn.init.normal_(refiner.score.weight)
    check(trained(refiner), torch.randn(2, 7, 16, 16))


def test_a_whole_estimator_predicts_the_same():
    model = trained(build_model(lively=True, test_cfg=dict(flip_test=True)))
    images, samples = batch()
    fused = fuse_conv_bn(model)
    assert norms(fused.backbone) == 0 and norms(fused) < norms(model)
    model.eval()
    results = []
    for each in (model, fused):
        with torch.no_grad():
            done = each.predict(images, copy.deepcopy(samples))
        results.append([s.pred_instances for s in done])
    for a, b in zip(*results, strict=True):
        assert abs(a.keypoints - b.keypoints).max() < 1e-4
        assert abs(a.keypoint_scores - b.keypoint_scores).max() < 1e-3


class Twice(nn.Module):
    """A convolution that is read by a norm and by something else."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2)
        self.other, self.other_norm = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)

    def forward(self, x):
        between = self.conv(x)
        return self.other_norm(self.other(between + self.norm(between)))


class Shared(nn.Module):
    """A convolution in two places, one without a norm."""

    def __init__(self):
        super().__init__()
        conv = nn.Conv2d(2, 2, 1)
        self.first = nn.Sequential(conv, nn.BatchNorm2d(2))
        self.second = nn.Sequential(conv, nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2))

    def forward(self, x):
        # Not to be followed by fx: the children are looked at one by one.
        return self.second(self.first(x)) if x.shape[0] > 1 else x


class Opened(nn.Module):
    """A convolution whose weights are read from outside as well."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)
        self.other, self.other_norm = nn.Conv2d(2, 2, 1), nn.BatchNorm2d(2)

    def forward(self, x):
        y = self.norm(self.conv(x)) + self.conv.weight.sum()
        return self.other_norm(self.other(y))


@pytest.mark.parametrize('kind', [Twice, Shared, Opened])
def test_what_something_else_reads_stays(kind):
    check(trained(kind()), torch.randn(2, 2, 8, 8), left=1)


class Standardised(nn.Conv2d):
    def forward(self, x):
        return self._conv_forward(x, self.weight / self.weight.norm(), self.bias)


def test_what_is_computed_otherwise_stays():
    def pair(conv, norm=None):
        return nn.Sequential(conv, norm or nn.BatchNorm2d(4))

    hooked = nn.Conv2d(2, 4, 1)
    hooked.register_forward_hook(lambda module, args, output: 2 * output)
    kept = [
        pair(Standardised(2, 4, 1)),
        pair(nn.Conv2d(2, 4, 1), nn.BatchNorm2d(4, track_running_stats=False)),
        pair(nn.ConvTranspose2d(2, 4, 2, groups=2)),
        pair(nn.utils.parametrizations.spectral_norm(nn.Conv2d(2, 4, 1))),
        pair(hooked),
    ]
    for each in kept:
        fusing = nn.ModuleList([each, pair(nn.Conv2d(2, 4, 1))])
        assert norms(fuse_conv_bn(fusing)) == 1
        check(
            trained(nn.Sequential(each, pair(nn.Conv2d(4, 4, 1)))),
            torch.randn(2, 2, 8, 8),
            left=1,
        )


@pytest.mark.parametrize(
    'layers',
    [
        [nn.ConvTranspose2d(2, 4, 2, 2, bias=False), nn.BatchNorm2d(4)],
        [nn.Conv2d(2, 4, 3, groups=2), nn.BatchNorm2d(4, affine=False)],
        [nn.Conv2d(2, 4, 3), nn.SyncBatchNorm(4)],
        [ConvModule(2, 4, 3, norm_cfg=dict(type='BN'))],
    ],
    ids=['transposed', 'groups', 'synchronised', 'mmcv'],
)
def test_kinds_of_layers(layers):
    check(trained(nn.Sequential(*layers)), torch.randn(2, 2, 8, 8))


def test_the_layout_of_memory_stays():
    layers = nn.Sequential(nn.Conv2d(8, 4, 3), nn.BatchNorm2d(4))
    fused = fuse_conv_bn(layers.to(memory_format=torch.channels_last))
    assert fused[0].weight.is_contiguous(memory_format=torch.channels_last)
