"""Which of a cascade's weights are found in a network, and what is said of it."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from mmengine.registry import DefaultScope
from mmpose.registry import MODELS
from torch7_networks import (
    detector,
    randomize,
    refiner,
    released,
    sequential,
)
from torch7_writer import Obj

from phr_mmpose.models.torch7 import largest_difference, match_cascade


def build(**head):
    """A small released cascade: ResNet-50 of width 8, regressor of width 16."""
    head = {
        'type': 'CascadeHeatmapRegressionHead',
        'input_size': (64, 64),
        'out_channels': 5,
        'detector': dict(type='PartDetectorHead', in_channels=256, deconv_stride=16),
        'refiner': dict(type='HourglassRefiner', width=16, depth=2, blocks=1),
        'decoder': dict(type='PositiveConfidence'),
        **head,
    }
    with DefaultScope.overwrite_default_scope('mmpose'):
        return MODELS.build(
            dict(
                type='ReleasedPoseEstimator',
                backbone=dict(
                    type='ResNet', depth=50, base_channels=8, strides=(1, 2, 2, 1)
                ),
                head=head,
            )
        )


def on_meta(**head):
    with torch.device('meta'):
        return build(**head)


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
    network = released(cascade.backbone, cascade.head)
    graph = converted(give_biases(network) if with_biases else network)
    match = match_cascade(graph, on_meta())
    assert match.is_whole
    assert match.takes_images
    assert match.report[0] == 'from 3 x 64 x 64 it makes 5 x 64 x 64'
    assert match.report[1].startswith('whole cascade: all ')
    own = cascade.state_dict()
    assert set(match.weights) == set(own)
    for name, value in match.weights.items():
        if not name.endswith('num_batches_tracked'):
            torch.testing.assert_close(value, own[name], atol=1e-6, rtol=1e-6)
    target = build()
    target.load_state_dict(match.weights)
    assert largest_difference(graph, target) < 1e-5
    assert largest_difference(graph, build()) > 1e-2


def test_parts_that_are_connected_in_another_way(converted, cascade):
    graph = converted(released(cascade.backbone, cascade.head, sigmoid=False))
    match = match_cascade(graph, on_meta())
    assert match.parts == ['detector', 'regressor']
    assert 'the first step that is not in the file: sigmoid' in match.report[1]
    assert set(match.weights) == set(cascade.state_dict())
    assert match_cascade(graph, on_meta(stack='logits')).is_whole


def test_the_detector_alone(converted, cascade):
    graph = converted(detector(cascade.backbone, cascade.head.detector))
    match = match_cascade(graph, on_meta())
    assert match.parts == ['detector']
    assert {name.split('.')[0] for name in match.weights} == {'backbone', 'head'}
    assert not any('refiner' in name for name in match.weights)
    assert 'regressor: 0 of ' in match.report[-1]


def test_the_regressor_alone(converted, cascade):
    graph = converted(refiner(cascade.head.refiner))
    match = match_cascade(graph, on_meta())
    assert match.parts == ['regressor']
    assert not match.takes_images
    assert match.report[0] == 'from 8 x 64 x 64 it makes 5 x 64 x 64'
    own = cascade.head.refiner.state_dict()
    assert set(match.weights) == {f'head.refiner.{name}' for name in own}
    for name, value in own.items():
        assert torch.equal(match.weights[f'head.refiner.{name}'], value) or (
            name.endswith('num_batches_tracked')
        )


def test_a_network_of_another_depth(converted, cascade):
    other = build(refiner=dict(type='HourglassRefiner', width=16, depth=1, blocks=1))
    graph = converted(released(other.backbone, other.head))
    match = match_cascade(graph, on_meta())
    assert match.parts == ['detector']
    whole = next(line for line in match.report if line.startswith('whole'))
    assert 'layers match; the first step that is not in the file: ' in whole


def test_a_setting_that_differs_is_no_match(converted, cascade):
    network = released(cascade.backbone, cascade.head)
    found = network.fields['modules'][0].fields['modules'][1]
    norm = found.fields['modules'][1]
    norm.fields['eps'] = 1e-3
    match = match_cascade(converted(network), on_meta())
    assert match.parts == ['regressor']


def test_a_network_that_takes_something_else(converted):
    graph = converted(sequential(Obj('nn.CAddTable')))
    match = match_cascade(graph, on_meta())
    # A sum over a batch of one is the image.
    assert match.parts == []
    graph = converted(Obj('nn.SelectTable', {'index': 7}))
    match = match_cascade(graph, on_meta())
    assert match.report == [
        'it runs neither on images of 3 x 64 x 64 nor on 8 x 64 x 64'
    ]
