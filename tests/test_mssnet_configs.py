"""MSS-Net's rows differ from their neighbours in what they are about."""

from pathlib import Path

import pytest

from phr_mmpose.engine.stages import StageSchedule, config_stages
from phr_mmpose.utils.config import load_config

FOLDER = Path(__file__).resolve().parent.parent / 'configs' / 'mssnet'
ROWS = sorted((FOLDER / 'tiny').glob('[!_]*.py'))
STAGES = 'default_hooks.param_scheduler.stages'
PIPELINE = 'train_dataloader.dataset.pipeline'
# What a row is called, and variables of its file.
NAMES = {
    'row.place',
    'row.title',
    '_loss',
    '_warm_up',
    'masked_pipeline',
    'train_pipeline',
}
LOSSES = {'model.head.loss_detector', 'model.head.loss_refiner'}


def read(name):
    return load_config(FOLDER / 'tiny' / f'{name}.py').to_dict()


def differences(first, second, path=''):
    """Name the innermost entries in which two configs differ."""
    if not (isinstance(first, dict) and isinstance(second, dict)):
        return set() if first == second else {path[1:]}
    if first.get('type') != second.get('type'):
        return {path[1:]}
    return (
        set().union(
            *(
                differences(first.get(key), second.get(key), f'{path}.{key}')
                for key in first.keys() | second.keys()
            )
        )
        - NAMES
    )


@pytest.mark.parametrize(
    ('first', 'second', 'expected'),
    [
        (
            'hourglass',
            'hourglass_scales',
            {'model.backbone.num_scales', 'model.head.detector.num_scales'},
        ),
        (
            'hourglass_scales',
            'hourglass_scales_drawn',
            {'model.head.detector.coarse_targets'},
        ),
        (
            'hourglass_scales',
            'hourglass_regression',
            {
                'model.head.refiner',
                'model.head.feature_index',
                'model.head.feature_channels',
                'model.head.refiner_codec',
                'model.head.loss_refiner',
                STAGES,
            },
        ),
        ('hourglass_regression', 'hourglass_structure', LOSSES),
        (
            'hourglass_structure',
            'hourglass_masking',
            {STAGES, 'custom_hooks'},
        ),
        ('cascade', 'cascade_structure', {'model.head.loss_refiner'}),
        ('cascade', 'cascade_masking', {PIPELINE}),
        (
            'cascade_structure',
            'cascade_structure_masking',
            {PIPELINE},
        ),
        ('hourglass_cascade', 'hourglass_cascade_masking', {PIPELINE}),
    ],
)
def test_a_row_changes_one_thing(first, second, expected):
    assert differences(read(first), read(second)) == expected


def test_the_cascade_on_hourglasses_is_trained_as_the_cascade():
    """Its stages are written down a second time."""
    cascade, on_hourglasses = (
        load_config(FOLDER / 'tiny' / f'{name}.py')
        for name in ('cascade', 'hourglass_cascade')
    )
    assert config_stages(cascade) == config_stages(on_hourglasses)


@pytest.mark.parametrize('path', ROWS, ids=lambda path: path.stem)
def test_rows_train_alike_and_keep_photos_for_choices(path):
    config = load_config(path)
    assert StageSchedule(config_stages(config)).epochs == 23
    assert config.train_dataloader.batch_size == 32
    lsp, lspet = config.train_dataloader.dataset.datasets
    held_out, test = config.val_dataloader.dataset, config.test_dataloader.dataset
    assert lsp.ann_file == held_out.ann_file == 'annotations/lsp_train.json'
    assert (lsp.indices, held_out.indices) == (800, -200)
    assert lspet.ann_file == 'annotations/lspet_train.json'
    assert test.ann_file == 'annotations/lsp_test.json' and 'indices' not in test


def test_rows_have_places_and_titles():
    rows = [load_config(path).row for path in ROWS]
    assert sorted(row.place for row in rows) == list(range(1, len(rows) + 1))
    assert len({row.title for row in rows}) == len(rows)


@pytest.mark.parametrize(
    'path',
    [FOLDER / 'mssnet_hg8_mpii.py', FOLDER / 'tiny' / 'hourglass_masking.py'],
    ids=lambda path: path.stem,
)
def test_the_last_stage_masks(path):
    config = load_config(path)
    (hook,) = config.custom_hooks
    last = StageSchedule(config_stages(config)).stages[-1]
    assert last.name == 'masked' and hook.switch_epoch == last.first_epoch
    plain = config.train_dataloader.dataset.pipeline
    masked = hook.switch_pipeline
    assert masked == [*plain[:-1], dict(type='KeypointMasking'), plain[-1]]


def test_the_paper_s_network_scores_at_four_sizes():
    model = load_config(FOLDER / 'mssnet_hg8_mpii.py').model
    assert model.backbone.num_scales == model.head.detector.num_scales == 4
    assert model.head.feature_channels == 256
    for loss in (model.head.loss_detector, model.head.loss_refiner):
        assert loss.type == 'StructureAwareLoss'
