"""Which of a cascade's weights are found in a network, and what is said of it."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpose.registry import MODELS
from torch7_networks import randomize, released

from projects.released_weights.convert import largest_difference
from projects.released_weights.matching import match_cascade


def build(**head):
    """A small released cascade: ResNet-50 of width 8, regressor of width 16."""
    head = {
        'type': 'CascadeHeatmapRegressionHead',
        'input_size': (64, 64),
        'out_channels': 5,
        'detector': dict(type='PartDetectorHead', in_channels=256, deconv_stride=16),
        'refiner': dict(type='HourglassRefiner', width=16, depth=2, blocks=1),
        'refiner_codec': dict(type='PositiveConfidence'),
        **head,
    }
    with DefaultScope.overwrite_default_scope('mmpose'):
        return MODELS.build(
            dict(
                type='CascadePoseEstimator',
                backbone=dict(
                    type='ResNet', depth=50, base_channels=8, strides=(1, 2, 2, 1)
                ),
                head=head,
            )
        )


def find(network, **head):
    return match_cascade(network, build(**head), IMAGES)


IMAGES = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope='module')
def cascade():
    return randomize(build())


def give_biases(item):
    """Give convolutions before a normalisation a bias, as Torch7's detector has."""
    modules = item.fields.get('modules', [])
    for first, second in pairwise(modules):
        normalised = 'Batch' in second.typename and 'bias' not in first.fields
        if first.typename.endswith('Convolution') and normalised:
            bias = np.linspace(-1, 1, first.fields['nOutputPlane'], dtype=np.float32)
            first.fields['bias'] = bias
            # What leaves the normalisation stays the same.
            second.fields['running_mean'] += bias
    for module in modules:
        give_biases(module)
    return item


@pytest.mark.parametrize('with_biases', [False, True])
def test_the_whole_cascade(converted, cascade, with_biases):
    item = released(cascade.backbone, cascade.head)
    network = converted(give_biases(item) if with_biases else item)
    match = find(network)
    assert match.is_whole
    assert match.found == match.layers
    own = cascade.state_dict()
    assert set(match.weights) == set(own)
    for name, value in match.weights.items():
        torch.testing.assert_close(value, own[name], atol=1e-6, rtol=1e-6)
    target = build().eval()
    assert largest_difference(lambda x: (network(x),), target, IMAGES) > 1e-2
    target.load_state_dict(match.weights)
    assert largest_difference(lambda x: (network(x),), target, IMAGES) < 1e-5


def test_the_stack_may_be_of_logits(converted, cascade):
    network = converted(released(cascade.backbone, cascade.head, sigmoid=False))
    match = find(network)
    assert match.missing.startswith('head.refiner.')
    assert not any('refiner' in name for name in match.weights)
    assert find(network, stack='logits').is_whole


def test_a_network_of_another_depth(converted, cascade):
    other = build(refiner=dict(type='HourglassRefiner', width=16, depth=1, blocks=1))
    match = find(converted(released(other.backbone, other.head)))
    assert match.missing.startswith('head.refiner.hourglass')
    assert 0 < match.found < match.layers


def test_a_setting_that_differs_is_no_match(converted, cascade):
    item = released(cascade.backbone, cascade.head)
    found = item.fields['modules'][0].fields['modules'][1]
    found.fields['modules'][1].fields['eps'] = 1e-3
    assert find(converted(item)).missing == 'backbone.bn1'
