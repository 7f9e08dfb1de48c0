"""A row of an ablation differs from its neighbour in what the row is about."""

import copy
from pathlib import Path

import pytest
import torch
from config_samples import check_each_stage, read_from
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from phr_mmpose.datasets.transforms import KeypointMasking
from phr_mmpose.engine.stages import config_stages
from phr_mmpose.models.complexity import build_without_memory
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.config import load_config

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
SETS = {
    'ablation': ('_res', '_vgg'),
    'ablation_tiny': ('_res', '_vgg'),
    'ablation_figures': ('',),
}
MSSNET = sorted((CONFIGS / 'mssnet_figures').glob('[!_]*.py'))
# What other data are.
DATA = (
    'batch_size',
    'evaluator',
    'figures_',
    '_figures',
    '_of_figures',
    'train_dataloader',
    'val_dataloader',
    'test_dataloader',
    'val_evaluator',
    'test_evaluator',
)
# What makes a detector a refiner.
REGRESSION = {
    'model.head.detector_codec',
    'model.head.loss_detector',
    'model.head.stack',
    'model.head.detector.prior',
}
CASES = [(folder, kind) for folder, kinds in SETS.items() for kind in kinds]


def read(folder, name):
    return load_config(CONFIGS / folder / f'{name}.py').to_dict()


def differences(first, second, path=''):
    """Name the innermost entries in which two configs differ."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return set() if first == second else {path[1:]}
    if first.get('type') != second.get('type'):
        return {path[1:]}
    return set().union(
        *(
            differences(first.get(key), second.get(key), f'{path}.{key}')
            for key in first.keys() | second.keys()
        )
    ) - {'row.place', 'row.title'}


@pytest.mark.parametrize(('folder', 'kind'), CASES)
def test_a_first_regression_in_place_of_the_detection(folder, kind):
    cascade = read(folder, f'detection_regression{kind}')
    other = read(folder, f'regression_regression{kind}')
    found = differences(cascade, other)
    assert found <= REGRESSION and len(found) >= 3
    head = other['model']['head']
    # The same target, decoding and loss as the second regression.
    assert head['detector_codec'] == head['refiner_codec']
    assert head['loss_detector'] == head['loss_refiner']
    assert head['detector'].get('prior', 0.5) == 0.5


@pytest.mark.parametrize(
    ('folder', 'kind', 'first'),
    [
        ('ablation', '_res', 'detection'),
        ('ablation', '_res', 'regression'),
        ('ablation_tiny', '_res', 'detection'),
        ('ablation_tiny', '_res', 'regression'),
        # The study on figures reads the detector of the cascade itself.
        ('ablation_figures', '', 'regression'),
    ],
)
def test_the_first_part_alone(folder, kind, first):
    cascade = read(folder, f'{first}_regression{kind}')
    alone = read(folder, f'{first}_only{kind}')
    assert differences(cascade, alone) == {
        'model.head.refiner',
        'default_hooks.param_scheduler.stages',
        'train_cfg.max_epochs',
    }
    assert alone['model']['head']['refiner'] is None
    assert config_stages(alone) == config_stages(cascade)[:1]
    assert config_stages(alone)[0]['trains'] == ['detector']
    assert alone['train_cfg']['max_epochs'] == config_stages(alone)[0]['epochs']


@pytest.mark.parametrize('path', MSSNET, ids=lambda path: path.stem)
def test_a_row_on_figures_is_the_one_on_lsp(path):
    figures = load_config(path)
    photos = load_config(CONFIGS.parents[2] / 'configs/mssnet/tiny' / path.name)
    found = differences(photos.to_dict(), figures.to_dict())
    assert {name for name in found if not name.startswith(DATA)} <= {
        'model.backbone.out_channels',
        'model.head.out_channels',
        'model.head.loss_detector.metainfo',
        'model.head.loss_refiner.metainfo',
    }
    for name in ('train_dataloader', 'test_dataloader'):
        ours, theirs = figures[name].dataset, photos[name].dataset
        assert ours.pipeline == theirs.pipeline
        assert ours.type == 'FigureDataset' and 'datasets' not in ours
    # The losses know the neighbours of the figures' sixteen joints.
    init_default_scope(figures.default_scope)
    head = build_without_memory(figures.model).head
    assert head.out_channels == 16
    for loss in (head.loss_detector, getattr(head, 'loss_refiner', None)):
        assert not hasattr(loss, 'groups') or len(loss.groups) == 16


@pytest.mark.parametrize('path', MSSNET, ids=lambda path: path.stem)
def test_a_row_on_figures_trains_each_stage_and_predicts(path, tmp_path):
    config = load_config(path)
    init_default_scope(config.default_scope)
    read_from(config, tmp_path)
    check_each_stage(config)


@pytest.mark.slow
def test_the_masked_stage_goes_on_where_it_was_stopped(tmp_path):
    config = load_config(CONFIGS / 'mssnet_figures' / 'hourglass_masking.py')
    read_from(config, tmp_path)
    config.train_dataloader.dataset.num = 4
    for stage, epochs in zip(config_stages(config), (1, 2), strict=True):
        stage.update(epochs=epochs, param_scheduler=[])
    config.custom_hooks[0].switch_epoch = 1
    config.train_cfg.update(max_epochs=3, val_interval=100)
    config.default_hooks.checkpoint.update(interval=1, max_keep_ckpts=-1)
    config.work_dir = str(tmp_path / 'whole')
    Runner.from_cfg(copy.deepcopy(config)).train()

    config.update(work_dir=str(tmp_path / 'rest'), resume=True)
    config.load_from = str(tmp_path / 'whole' / 'epoch_2.pth')
    runner = Runner.from_cfg(config)
    plain = runner.train_dataloader.dataset.pipeline.transforms
    assert not any(isinstance(each, KeypointMasking) for each in plain)
    runner.train()
    masked = runner.train_dataloader.dataset.pipeline.transforms
    assert any(isinstance(each, KeypointMasking) for each in masked)
    whole, rest = (
        safe_load(tmp_path / name / 'epoch_3.pth')['state_dict']
        for name in ('whole', 'rest')
    )
    assert all(torch.equal(value, rest[key]) for key, value in whole.items())


@pytest.mark.parametrize('folder', SETS)
def test_rows_have_places_and_titles(folder):
    paths = sorted((CONFIGS / folder).glob('*.py'))
    rows = [load_config(path).row for path in paths]
    assert len({row.place for row in rows}) == len(rows)
    assert len({row.title for row in rows}) == len(rows)


@pytest.mark.parametrize(
    'path',
    [path for folder in SETS for path in sorted((CONFIGS / folder).glob('*.py'))],
    ids=lambda path: path.stem,
)
def test_every_row_builds(path):
    config = load_config(path)
    init_default_scope(config.default_scope)
    model = build_without_memory(config.model)
    trained = {name for stage in config_stages(config) for name in stage['trains']}
    assert trained == set(model.subnetworks())
    assert config.train_cfg.max_epochs == sum(
        stage['epochs'] for stage in config_stages(config)
    )
