import pytest
import torch
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
from torch import nn

from phr_mmpose.engine.freezing import Freezing
from phr_mmpose.utils.errors import UserError


def build(**backbone):
    init_default_scope('mmpose')
    return MODELS.build(
        dict(
            type='CascadePoseEstimator',
            backbone=dict(
                type='ResNet',
                depth=18,
                base_channels=8,
                strides=(1, 2, 2, 1),
                **backbone,
            ),
            head=dict(
                type='CascadeHeatmapRegressionHead',
                input_size=(32, 32),
                detector=dict(type='PartDetectorHead', in_channels=64),
                refiner=dict(type='HourglassRefiner', width=16, depth=1, blocks=1),
            ),
        )
    ).train()


def learning(model):
    """Names of the parameters that train."""
    return {name for name, each in model.named_parameters() if each.requires_grad}


def under(model, *prefixes):
    return {name for name, _ in model.named_parameters() if name.startswith(prefixes)}


@pytest.mark.parametrize(
    'names,prefixes',
    [
        (['detector'], ('backbone', 'head.detector')),
        (['refiner'], ('head.refiner',)),
        (['detector', 'refiner'], ('',)),
        (['head.refiner'], ('head.refiner',)),
        (['backbone.layer4', 'head'], ('backbone.layer4', 'head.')),
    ],
)
def test_only_what_is_named_trains(names, prefixes):
    model = build()
    freezing = Freezing(model)
    freezing.train_only(names)
    assert learning(model) == under(model, *prefixes)
    for _ in range(2):
        model.train()
        freezing.keep_still()
        for name, module in model.named_modules():
            if isinstance(module, nn.BatchNorm2d):
                assert module.training == name.startswith(prefixes), name
        assert model.training


def test_batch_statistics_stand_still():
    model = build()
    freezing = Freezing(model)
    freezing.train_only(['backbone.layer4'])
    model.train()
    freezing.keep_still()
    before = {name: each.clone() for name, each in model.named_buffers()}
    model.extract_feat(torch.randn(2, 3, 32, 32))
    moved = {
        name
        for name, each in model.named_buffers()
        if not torch.equal(each, before[name])
    }
    assert moved and all(name.startswith('backbone.layer4') for name in moved)


def test_all_trains_again():
    model = build()
    freezing = Freezing(model)
    freezing.train_only(['refiner'])
    freezing.train_only(['detector', 'refiner'])
    model.train()
    freezing.keep_still()
    assert learning(model) == under(model, '')
    assert all(m.training for m in model.modules() if list(m.parameters()))


def test_what_the_user_froze_stays_frozen():
    model = build(frozen_stages=1)
    for parameter in model.head.refiner.stem.parameters():
        parameter.requires_grad_(False)
    frozen = under(model, '') - learning(model)
    assert any('layer1' in name for name in frozen)
    freezing = Freezing(model)
    for names in (['refiner'], ['detector'], ['detector', 'refiner']):
        freezing.train_only(names)
        model.train()
        assert not learning(model) & frozen
    assert learning(model) == under(model, '') - frozen


def test_a_frozen_parameter_keeps_no_gradient():
    model = build()
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    Freezing(model).train_only(['head.detector'])
    kept = {name for name, each in model.named_parameters() if each.grad is not None}
    assert kept == under(model, 'head.detector')


@pytest.mark.parametrize('name', ['refiners', 'head.refiner.x', '', 'layer4'])
def test_names_of_nothing_get_one_line(name):
    with pytest.raises(UserError, match=f'no sub-module {name!r}') as error:
        Freezing(build()).train_only([name])
    assert 'detector, refiner, ' in str(error.value)
    assert '\n' not in str(error.value)
