"""Newell's network: its size, what it feeds back, and its seam with MMPose."""

import pytest
import torch
import torch.nn.functional as F
from cascade_samples import batch
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmpose.registry import MODELS

from phr_mmpose.models import StackedHourglass
from phr_mmpose.models.fusing import fuse_conv_bn
from phr_mmpose.utils.errors import UserError


def narrow(**changes):
    torch.manual_seed(0)
    options = dict(num_stacks=2, out_channels=3, feat_channels=16, depth=2)
    return StackedHourglass(**{**options, **changes})


def bottleneck(a, b):
    """Weights, biases and norms of BN-1x1-BN-3x3-BN-1x1 with a skip."""
    half = b // 2
    convolutions = (a + 1) * half + (9 * half + 1) * half + (half + 1) * b
    skip = (a + 1) * b if a != b else 0
    return convolutions + skip + 2 * a + 4 * half


def test_the_paper_s_size():
    with torch.device('meta'):
        network = StackedHourglass()
        *scores, features = network(torch.empty(2, 3, 256, 256))
    stem = (49 * 3 + 1) * 64 + 2 * 64 + bottleneck(64, 128) + bottleneck(128, 128)
    stem += bottleneck(128, 256)
    # Three of each of four levels, the bottom and one more before the scores.
    stack = (3 * 4 + 2) * bottleneck(256, 256) + 257 * 256 + 2 * 256 + 257 * 16
    back = 257 * 256 + 17 * 256
    parameters = sum(p.numel() for p in network.parameters())
    assert parameters == stem + 8 * stack + 7 * back
    assert parameters == 25_434_112
    assert [tuple(each.shape) for each in scores] == [(2, 16, 64, 64)] * 8
    assert features.shape == (2, 256, 64, 64)


def test_it_is_newell_s_layer_by_layer():
    model = narrow(num_stacks=2, depth=1, num_scales=2)
    torch.manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.eval()
    image = torch.randn(1, 3, 16, 24)

    def hourglass(module, features):
        skip = module.skip(features)
        pooled = F.max_pool2d(features, 2)
        lower = module.up(module.inner.residuals(module.down[1](pooled)))
        # Nearest: each pixel becomes four.
        enlarged = lower.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
        return skip + enlarged, lower

    def tail(module, features):
        residual, conv, norm, _ = module
        return norm(conv(residual(features))).clamp(min=0)

    conv, norm, _, first, _, second, third = model.stem
    features = first(norm(conv(image)).clamp(min=0))
    features = third(second(F.max_pool2d(features, 2)))
    expected = []
    for number, stack in enumerate(model.stacks):
        decoded, lower = hourglass(stack.hourglass, features)
        decoded = tail(stack.tail, decoded)
        # What is scored at half the size comes before it is enlarged.
        scores = stack.scores[0](decoded)
        expected += [scores, stack.scores[1](lower)]
        if number == 0:
            features = (
                features
                + model.features_back[0](decoded)
                + model.scores_back[0](scores)
            )
    with torch.no_grad():
        found = model(image)
    for got, wanted in zip(found, [*expected, decoded], strict=True):
        torch.testing.assert_close(got, wanted)


def test_each_stack_scores_at_several_sizes():
    network = narrow(num_scales=3, out_features=False)
    shapes = [tuple(each.shape) for each in network(torch.randn(2, 3, 32, 48))]
    assert shapes == 2 * [(2, 3, 8, 12), (2, 3, 4, 6), (2, 3, 2, 3)]


def test_only_the_finest_scores_are_fed_back():
    network = narrow(num_scales=2).eval()
    images = torch.randn(1, 3, 32, 32)
    with torch.no_grad():
        before = network(images)
        network.stacks[0].scores[1].bias.fill_(1)
        coarse = network(images)
        network.stacks[0].scores[0].bias.fill_(1)
        fine = network(images)
    assert torch.equal(coarse[-1], before[-1])
    assert not torch.allclose(fine[-1], before[-1])
    # They are added, by a 1x1 convolution, to what the second stack reads.
    with torch.no_grad():
        network.scores_back[0].weight.zero_()
        blind = network(images)
        network.stacks[0].scores[0].bias.fill_(2)
        assert torch.equal(network(images)[-1], blind[-1])


def test_training_starts_from_zero_maps_and_reaches_every_parameter():
    network = narrow(num_scales=3)
    network.init_weights()  # as the runner does; must not undo the start
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    images = torch.randn(4, 3, 32, 32)
    for step in range(3):
        scores = network(images)[:-1]
        if step == 0:
            assert not any(each.any() for each in scores)
        optimizer.zero_grad()
        sum((each - 1).square().mean() for each in scores).backward()
        optimizer.step()
    silent = [
        n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()
    ]
    # A bias before a norm layer has no effect in training.
    assert all(n.endswith('.bias') for n in silent)


def test_a_detector_starts_from_its_prior():
    network = narrow(num_scales=2, prior=0.01)
    network.init_weights()
    *scores, _ = network(torch.randn(2, 3, 32, 32))
    assert len(scores) == 4
    for each in scores:
        torch.testing.assert_close(each.sigmoid(), torch.full_like(each, 0.01))


def test_it_fuses_for_inference():
    network = narrow(num_scales=2)
    images = torch.randn(2, 3, 32, 32)
    network(images)  # other statistics than 0 and 1
    network.eval()
    with torch.no_grad():
        for plain, fused in zip(
            network(images), fuse_conv_bn(network)(images), strict=True
        ):
            torch.testing.assert_close(fused, plain, rtol=1e-4, atol=1e-5)


def test_mmpose_s_head_supervises_every_stack():
    init_default_scope('mmpose')
    model = MODELS.build(
        dict(
            type='TopdownPoseEstimator',
            data_preprocessor=dict(type='PoseDataPreprocessor'),
            backbone=dict(
                type='StackedHourglass',
                num_stacks=2,
                out_channels=4,
                feat_channels=16,
                depth=1,
                out_features=False,
            ),
            head=dict(
                type='CPMHead',
                in_channels=4,
                out_channels=4,
                num_stages=2,
                final_layer=None,
                decoder=dict(
                    type='MSRAHeatmap',
                    input_size=(32, 32),
                    heatmap_size=(8, 8),
                    sigma=1,
                ),
            ),
        )
    )
    images, samples = batch()
    for sample in samples:
        sample.gt_fields = PixelData(heatmaps=torch.rand(4, 8, 8))
        sample.gt_instance_labels.keypoint_weights = torch.ones(1, 4)
    losses = model.loss(images, samples)
    losses['loss_kpt'].backward()
    for stack in model.backbone.stacks:
        assert stack.scores[0].weight.grad.any()


@pytest.mark.parametrize(
    ('wrong', 'words'),
    [
        (dict(num_stacks=0), 'num_stacks'),
        (dict(feat_channels=12), 'multiple of 8, got 12'),
        (dict(num_scales=4), r'depth \+ 1 = 3, got 4'),
        (dict(num_scales=0), 'got 0'),
        (dict(prior=1.0), 'between 0 and 1, got 1.0'),
    ],
)
def test_wrong_arguments(wrong, words):
    with pytest.raises(UserError, match=words) as error:
        narrow(**wrong)
    assert '\n' not in str(error.value)


def test_images_that_do_not_halve_get_one_line():
    with pytest.raises(UserError, match=r'16 divides, got \(40, 32\) px'):
        narrow()(torch.zeros(1, 3, 32, 40))
