"""Each config trains a step of each of its stages and predicts, made small.

Data sets, pipelines, losses, optimizers, schedules and metrics are the configs' own;
the paper's networks are made narrow and their pictures small.
"""

from pathlib import Path

import pytest
import torch
from config_samples import (
    check_each_stage,
    check_predictions,
    entries,
    first_batch,
    flattened,
    read_from,
    write_persons,
)
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS

from phr_mmpose.engine.pretrained import forget_pretrained
from phr_mmpose.utils.config import load_config

FOLDER = Path(__file__).resolve().parent.parent / 'configs'
CONFIGS = sorted([*FOLDER.glob('*.py'), *FOLDER.glob('mssnet/**/[!_]*.py')])
SURVEY = sorted(FOLDER.glob('survey/[!_]*.py'))
SIDE = 64


@pytest.fixture(scope='module')
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('data')
    write_persons(folder)
    return folder


@pytest.mark.parametrize(
    'path', CONFIGS, ids=lambda path: str(path.relative_to(FOLDER).with_suffix(''))
)
def test_each_stage_steps_and_the_model_predicts(path, data):
    config = load_config(path)
    init_default_scope(config.default_scope)
    make_small(config)
    read_from(config, data)
    forget_pretrained(config.model)
    check_each_stage(config)


@pytest.mark.parametrize('path', SURVEY, ids=lambda path: path.stem)
def test_mmpose_s_models_step_and_predict_on_these_data(path, data):
    config = load_config(path)
    init_default_scope(config.default_scope)
    make_pictures_small(config)
    if config.model.backbone.type == 'CPM':
        config.model.backbone.num_stages = config.model.head.num_stages = 2
    else:
        config.model.backbone.depth, config.model.head.in_channels = 18, 512
    read_from(config, data)
    forget_pretrained(config.model)
    torch.manual_seed(0)
    model = MODELS.build(config.model)
    model.init_weights()

    batch = first_batch(config.train_dataloader)
    optimizer = build_optim_wrapper(model, config.optim_wrapper)
    before = flattened([model.backbone])
    losses = model.train_step(batch, optimizer)
    assert torch.isfinite(losses['loss_kpt'])
    assert not torch.equal(flattened([model.backbone]), before)
    check_predictions(config, model)


def make_small(config) -> None:
    """Shrink the model and the pictures, but for what is small already."""
    model = config.model
    if max(model.head.input_size) <= 96:
        return
    make_pictures_small(config)
    narrow = {
        'ResNet': (dict(depth=50, base_channels=8, stem_channels=8), 256),
        'MobileNetV2': (dict(widen_factor=0.25), 1280),
        'FullyConvolutionalVGG': (dict(width=8, hidden=32), (32, 64, 32)),
        'HRNet': ({}, 8),
        'TIMMBackbone': ({}, None),
        'StackedHourglass': (dict(num_stacks=2, feat_channels=24), None),
    }
    changes, in_channels = narrow[model.backbone.type]
    model.backbone.update(changes)
    if in_channels is not None:
        model.head.detector.in_channels = in_channels
    if 'feature_channels' in model.head:
        model.head.feature_channels = changes['feat_channels']
    for stage in model.backbone.get('extra', {}).values():
        branches = len(stage.num_channels)
        stage.num_modules = 1
        stage.num_blocks = (1,) * branches
        stage.num_channels = tuple(8 * 2**branch for branch in range(branches))
    refiner = model.head.refiner
    if refiner is not None:
        refiner.update(
            dict(
                HourglassRefiner=dict(width=8, blocks=1),
                ConvRefiner=dict(widths=(8, 8, 8, 16, 16, 16)),
                MultiScaleRefiner=dict(width=8),
            )[refiner.type]
        )


def make_pictures_small(config) -> None:
    """Shrink inputs and heatmaps by one factor, wherever a config names them."""
    for entry in entries(list(config.values())):
        if 'heatmap_size' in entry:
            stride = entry['input_size'][0] // entry['heatmap_size'][0]
            entry['heatmap_size'] = (SIDE // stride, SIDE // stride)
        if 'input_size' in entry:
            entry['input_size'] = (SIDE, SIDE)
