import errno
import json
import resource
import sys
import uuid

from phr_mmpose.utils.cli import run

import pytest
import torch
from mmengine.config import Config
from xtcocotools import cocoeval

from phr_mmpose.compat import NoCOCOeval
from phr_mmpose.engine.hooks import ProgressHook
from phr_mmpose.models.pose_estimators import CascadePoseEstimator
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.errors import UserError
from phr_mmpose.zoo import model_files


@pytest.fixture(scope='module')
def train(tiny):
    return tiny.tool('train')


@pytest.fixture
def options():
    return ['--cfg-options', f'experiment_name={uuid.uuid4().hex}']


def fails(train, *arguments):
    with pytest.raises(UserError) as error:
        train.main([str(argument) for argument in arguments])
    assert '\n' not in str(error.value)
    return str(error.value)


def test_a_stage_alone_and_the_next_from_its_checkpoint(
    tiny, train, tmp_path, options, capsys
):
    first, second = tmp_path / 'first', tmp_path / 'second'
    arguments = [str(tiny.path), '--no-validate', '--seed', '3', *options]
    train.main(
        [
            *arguments,
            'default_hooks.param_scheduler.stages.1.epochs=1',
            '--stages',
            'refiner',
            '--amp',
            '--resume',
        ]
        + ['--work-dir', str(first)]
    )
    said = capsys.readouterr().err
    assert f'nothing to resume in {first}' in said
    assert "warning: stage 'refiner' starts from untrained weights, without" in said
    assert '--load-from RUN/stage_detector.pth' in said
    assert [path.name for path in first.glob('stage_*')] == ['stage_refiner.pth']
    checkpoint = safe_load(first / 'stage_refiner.pth')
    assert (checkpoint['meta']['seed'], checkpoint['meta']['epoch']) == (3, 1)
    assert 'BFloat16OptimWrapper' in (first / 'tiny_config.py').read_text()
    train.main(
        [
            *arguments,
            'default_hooks.param_scheduler.stages.1.epochs=1',
            'experiment_name=again',
            *('--stages', 'refiner', '--resume', '--work-dir', str(first)),
        ]
    )
    said = capsys.readouterr().err
    assert 'nothing is left to train: epoch 1 is the last' in said

    train.main(
        [
            *arguments,
            'default_hooks.param_scheduler.stages.2.epochs=1',
            '--stages',
            'joint',
        ]
        + ['--load-from', str(first / 'stage_refiner.pth'), '--work-dir', str(second)]
    )
    assert 'warning: stage' not in capsys.readouterr().err
    joint = safe_load(second / 'stage_joint.pth')
    assert joint['meta']['stage'] == dict(
        name='joint', trains=['detector', 'refiner'], epoch=1
    )
    # Three steps from where the other left, not from random weights.
    before, after = checkpoint['state_dict'], joint['state_dict']
    key = 'backbone.conv1.weight'
    assert 0 < (before[key] - after[key]).abs().max() < 1e-3


TWO = """
_base_ = [{base!r}]
custom_hooks = [dict(type='SyncBuffersHook'), dict(type='EMAHook', momentum=0.1),
    dict(type='SaveRankHook')]
default_hooks = dict(param_scheduler=dict(stages=[
    dict(name='detector', trains=['detector'], epochs=1, lr=1e-2),
    dict(name='refiner', trains=['refiner'], epochs=1, lr=1e-2),
    dict(name='joint', trains=['detector', 'refiner'], epochs=1, lr=1e-3)]))
train_cfg = dict(max_epochs=3, val_interval=3)
train_dataloader = dict(batch_size=3)
"""


def test_two_processes_with_stages_averages_and_unused_parameters(tiny, tmp_path):
    config = tmp_path / 'config.py'
    config.write_text(TWO.format(base=str(tiny.path)))
    process = tiny.start_python(
        '-m',
        'torch.distributed.run',
        '--standalone',
        '--nproc_per_node=2',
        tiny.repo / 'tools' / 'train.py',
        config,
        f'--work-dir={tmp_path}',
    )
    code, output = tiny.finish(process)
    assert code == 0, output
    # Twelve samples, three to each of two processes: two iterations an epoch.
    assert sorted(tiny.losses(tmp_path)) == [1, 2, 3, 4, 5, 6]
    states = [
        safe_load(tmp_path / f'stage_{name}.pth')['state_dict']
        for name in ('detector', 'refiner', 'joint')
    ]
    for key, value in states[0].items():
        frozen = not key.startswith('head.refiner')
        if frozen:
            assert torch.equal(value, states[1][key]), key
    for key in ('backbone.conv1.weight', 'head.detector.score.weight'):
        assert not torch.equal(states[1][key], states[2][key]), key
    # The average became the model's at each border, on both processes alike: the
    # frozen detector of the last epoch's checkpoint is its average, too.
    for epoch in (1, 2):
        first, second = (
            safe_load(tmp_path / f'rank_{rank}_epoch_{epoch}.pth') for rank in (0, 1)
        )
        for key, value in first.items():
            assert torch.equal(value, second[key]), (epoch, key)
    last = safe_load(tmp_path / 'epoch_3.pth')
    for key, value in last['state_dict'].items():
        assert torch.equal(value, last['ema_state_dict'][f'module.{key}']), key


STOCK = """
default_scope = 'mmpose'
custom_imports = dict(imports=['tiny_parts'], allow_failed_imports=False)
codec = dict(type='MSRAHeatmap', input_size=(32, 32), heatmap_size=(8, 8), sigma=1)
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(type='PoseDataPreprocessor'),
    backbone=dict(type='ResNet', depth=18, base_channels=8),
    head=dict(
        type='HeatmapHead', in_channels=64, out_channels=16,
        loss=dict(type='KeypointMSELoss', use_target_weight=True), decoder=codec))
train_dataloader = dict(
    batch_size=4, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='NoiseDataset', pipeline=[
        dict(type='GetBBoxCenterScale'), dict(type='RandomFlip'),
        dict(type='RandomBBoxTransform'),
        dict(type='TopdownAffine', input_size=(32, 32)),
        dict(type='GenerateTarget', encoder=codec), dict(type='PackPoseInputs')]))
param_scheduler = [dict(type='MultiStepLR', milestones=[1], gamma=0.1)]
optim_wrapper = dict(optimizer=dict(type='Adam', lr=1e-2))
train_cfg = dict(by_epoch=True, max_epochs=2)
default_hooks = dict(logger=dict(type='LoggerHook', interval=1))
"""


def test_a_config_of_mmposes_own_trains_without_stages(tiny, train, tmp_path, options):
    config = tmp_path / 'stock.py'
    config.write_text(STOCK)
    train.main([str(config), f'--work-dir={tmp_path}', *options])
    assert len(tiny.losses(tmp_path)) == 6
    checkpoint = safe_load(tmp_path / 'epoch_2.pth')
    assert checkpoint['optimizer']['param_groups'][0]['lr'] == pytest.approx(1e-3)
    assert 'stage' not in checkpoint['meta']
    line = fails(train, config, f'--work-dir={tmp_path}', '--stages', 'detector')
    assert 'has no StagedTrainingHook' in line


@pytest.mark.parametrize(
    ('names', 'epochs'),
    [
        (['c'], 0),
        (['b', 'c'], 3),
        (['a', 'c'], 2),
        (['a', 'b'], 5),  # past its end, as before
        (['a', 'b', 'c'], 5),
    ],
)
def test_what_counts_epochs_follows_the_stages(train, names, epochs):
    parts = zip('abc', (2, 3, 4), strict=True)
    stages = [dict(name=n, trains=['detector'], epochs=e, lr=1e-3) for n, e in parts]
    hooks = [
        dict(type='mmdet.PipelineSwitchHook', switch_epoch=5),
        # These count from 1, and 0 is from the start.
        dict(type='EMAHook', begin_epoch=6),
        dict(type='EMAHook', begin_epoch=0),
    ]
    config = Config(
        dict(
            default_hooks=dict(
                param_scheduler=dict(stages=stages), checkpoint=dict(save_begin=6)
            ),
            train_cfg=dict(
                max_epochs=9, val_begin=6, dynamic_intervals=[(1, 2), (6, 1)]
            ),
            custom_hooks=hooks,
            load_from='stage_b.pth',
        )
    )
    train.choose_stages(config, names)
    switch, average, other = config.custom_hooks
    assert switch.switch_epoch == epochs
    assert average.begin_epoch == epochs + 1
    assert other == hooks[2]
    assert config.default_hooks.checkpoint.save_begin == epochs + 1
    assert config.train_cfg.val_begin == epochs + 1
    assert config.train_cfg.dynamic_intervals == [(1, 2), (epochs + 1, 1)]


def test_the_last_stage_alone_is_masked(train, tiny):
    config = Config.fromfile(tiny.repo / 'configs/mssnet/mssnet_hg8_mpii.py')
    train.choose_stages(config, ['masked'])
    assert config.train_cfg.max_epochs == 20
    assert config.custom_hooks[0].switch_epoch == 0


def test_stages_that_no_hook_reads(train, tmp_path):
    # As a config before 0.2 has them, over a base of today.
    config = tmp_path / 'yesterday.py'
    config.write_text(STOCK + "stages = [dict(name='a', trains=['detector'])]")
    line = fails(train, config, f'--work-dir={tmp_path}')
    assert "default_hooks = dict(param_scheduler=dict(type='StagedTrainingHook'" in line


def test_pretrained_weights_that_cannot_be_had(train, tiny, tmp_path):
    work_dir = tmp_path / 'work'
    line = fails(
        train,
        tiny.path,
        f'--work-dir={work_dir}',
        '--cfg-options',
        'model.backbone.init_cfg.type=Pretrained',
        'model.backbone.init_cfg.checkpoint=/nowhere/resnet152.pth',
    )
    assert 'the weights /nowhere/resnet152.pth to start from cannot be had' in line
    assert '--random-init' in line
    assert not work_dir.exists()


def test_coco_scores_that_cannot_be_had(train, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(cocoeval, 'COCOeval', NoCOCOeval)
    config = tmp_path / 'config.py'
    config.write_text(
        f'_base_ = [{str(tiny.path)!r}]\n'
        "val_evaluator = dict(_delete_=True, type='CocoMetric')\n"
    )
    line = fails(train, config, f'--work-dir={tmp_path / "work"}')
    assert 'CocoMetric' in line and 'python3-dev' in line and 'make env' in line
    assert not list((tmp_path / 'work').glob('*.pth'))


def test_random_init_says_so(train, capsys):
    backbone = dict(init_cfg=dict(type='Pretrained', checkpoint='torchvision://x'))
    kaiming = dict(init_cfg=[dict(type='Kaiming', layer='Conv2d')])
    config = Config(dict(model=dict(backbone=backbone, head=kaiming)))
    train.choose_initial_weights(config, random_init=True)
    assert config.model == dict(backbone={}, head=kaiming)
    said = capsys.readouterr().err
    assert said == 'starting from random weights, not from torchvision://x\n'


@pytest.mark.parametrize(
    ('launcher', 'rank', 'times'),
    [
        ('pytorch', 'RANK', 1),
        ('slurm', 'SLURM_PROCID', 1),
        ('mpi', 'OMPI_COMM_WORLD_RANK', 1),
        # Runs beside each other, of one process each.
        ('none', 'SLURM_PROCID', 3),
    ],
)
def test_of_the_processes_of_a_run_one_speaks(
    train, capsys, monkeypatch, launcher, rank, times
):
    for number in range(3):
        monkeypatch.setenv(rank, str(number))
        train.say(Config(dict(launcher=launcher)), 'a line')
    assert capsys.readouterr().err == 'a line\n' * times


@pytest.mark.parametrize(
    ('backbone', 'source'),
    [
        (dict(init_cfg=dict(type='EfficientNetLiteInit')), 'EfficientNetLiteInit'),
        (dict(pretrained=True), 'pretrained=True'),
        (dict(checkpoint_path='imagenet.pth'), 'checkpoint_path=imagenet.pth'),
    ],
)
def test_every_kind_of_pretrained_weights_is_left_out(train, capsys, backbone, source):
    config = Config(dict(model=dict(backbone=backbone)))
    train.choose_initial_weights(config, random_init=True)
    assert config.model == dict(backbone={})
    assert capsys.readouterr().err.endswith(f'not from {source}\n')
    config = Config(dict(model=dict(backbone=backbone), load_from='epoch_1.pth'))
    train.choose_initial_weights(config, random_init=False)
    assert config.model == dict(backbone={})


def test_a_run_that_goes_on_needs_no_pretrained_weights(train, capsys):
    backbone = dict(init_cfg=[dict(type='Pretrained', checkpoint='/nowhere.pth')])
    config = Config(dict(model=dict(backbone=backbone), load_from='epoch_1.pth'))
    train.choose_initial_weights(config, random_init=False)
    assert config.model == dict(backbone={})
    assert capsys.readouterr().err == ''


def test_training_data_that_is_not_there(train, tiny, tmp_path):
    config = tmp_path / 'config.py'
    config.write_text(f"""
_base_ = [{str(tiny.path)!r}]
train_dataloader = dict(dataset=dict(
    _delete_=True, type='LspDataset', data_root={str(tmp_path)!r},
    ann_file='annotations/lsp_train.json', pipeline=[]))
""")
    line = fails(train, config, f'--work-dir={tmp_path / "work"}')
    assert f'{tmp_path}/annotations/lsp_train.json' in line
    assert 'tools/prepare_lsp.py' in line


def test_validation_photos_that_are_not_there(train, tiny, tmp_path):
    # Two persons of one photo, which is missing.
    people = [
        dict(
            id=number,
            image_id=1,
            category_id=1,
            bbox=[10, 10, 40, 80],
            keypoints=[20, 30, 2] * 17,
            num_keypoints=17,
            area=900,
            iscrowd=0,
        )
        for number in (1, 2)
    ]
    (tmp_path / 'val.json').write_text(
        json.dumps(
            dict(
                images=[dict(id=1, file_name='a.jpg', width=100, height=100)],
                annotations=people,
                categories=[dict(id=1, name='person', keypoints=[])],
            )
        )
    )
    config = tmp_path / 'config.py'
    config.write_text(f"""
_base_ = [{str(tiny.path)!r}]
val_dataloader = dict(dataset=dict(
    _delete_=True, type='CocoKeypointDataset', test_mode=True,
    data_root={str(tmp_path)!r}, ann_file='val.json', data_prefix=dict(img='photos'),
    pipeline=[dict(type='CheckedLoadImage')]))
""")
    line = fails(train, config, f'--work-dir={tmp_path / "work"}')
    assert f'{tmp_path}/photos/a.jpg: No such file' in line
    assert not list(tmp_path.glob('work/*.pth'))


def test_checkpoints_that_do_not_fit(train, tiny, tmp_path):
    other = tmp_path / 'other.pth'
    torch.save(dict(state_dict={'conv.weight': torch.zeros(1)}), other)
    work = f'--work-dir={tmp_path / "work"}'
    line = fails(train, tiny.path, work, '--load-from', other)
    assert f'{other} is a checkpoint of another model' in line
    line = fails(train, tiny.path, work, '--resume', other)
    assert f'{other} is a checkpoint of another model' in line
    torn = tmp_path / 'torn.pth'
    torn.write_bytes(other.read_bytes()[:300])
    assert f'{torn} is damaged' in fails(train, tiny.path, work, '--load-from', torn)
    gone = tmp_path / 'gone.pth'
    assert f'{gone}: no such' in fails(train, tiny.path, work, '--resume', gone)
    assert not list(tmp_path.glob('work/*.pth'))


def test_a_model_of_the_package_can_be_the_start(train, tiny):
    args = train.parse_args([str(tiny.path), '--load-from', 'phr_lite_lsp'])
    config = Config()
    train.choose_checkpoint(config, args)
    assert (config.load_from, config.resume) == (model_files('phr_lite_lsp')[1], False)


def test_faulty_configs_and_options(train, tiny, tmp_path):
    assert 'no such config' in fails(train, tmp_path / 'none.py')
    broken = tmp_path / 'broken.py'
    broken.write_text('model = dict(')
    assert f'{broken}: is no readable config' in fails(train, broken)
    line = fails(train, tiny.path, '--stages', 'regresor')
    assert "no stage 'regresor' in the config" in line
    line = fails(
        train,
        tiny.path,
        '--cfg-options',
        'default_hooks.param_scheduler.stages.7.epochs=1',
    )
    assert (
        '--cfg-options default_hooks.param_scheduler.stages.7.epochs=1 does not fit'
        in line
    )
    line = fails(
        train,
        tiny.path,
        '--cfg-options',
        'default_hooks.param_scheduler.stages.0.epochs=0',
    )
    assert line.startswith(f"{tiny.path}: stage 'detector': epochs must be 1")


def test_what_would_fail_later_or_do_nothing(train, tiny, tmp_path, monkeypatch):
    work = f'--work-dir={tmp_path}'
    monkeypatch.delenv('RANK', raising=False)
    line = fails(train, tiny.path, work, '--launcher', 'pytorch')
    assert '--launcher pytorch: RANK is not set' in line and 'torchrun' in line
    for option, words in (
        ('auto_scale_lr.enable=True', 'auto_scale_lr needs base_batch_size'),
        ('optim_wrapper.optimizer.type=AdamV', "'AdamV' is unknown"),
        ('optim_wraper.optimizer.lr=1', 'is it optim_wrapper?'),
    ):
        assert words in fails(train, tiny.path, work, '--cfg-options', option)


@pytest.mark.parametrize(
    'part',
    ['model', 'train_dataloader.dataset', 'val_evaluator', 'optim_wrapper.optimizer'],
)
def test_what_cannot_be_built_is_one_line(train, tiny, tmp_path, part):
    work = f'--work-dir={tmp_path}'
    line = fails(train, tiny.path, work, '--cfg-options', f'{part}.foo=1')
    assert line.startswith(f'{tiny.path}: ') and 'foo' in line
    assert 'cannot be built: TypeError: ' in line


def test_a_work_directory_that_is_a_file(train, tiny, tmp_path):
    path = tmp_path / 'file'
    path.write_text('')
    line = fails(train, tiny.path, f'--work-dir={path}')
    assert f'{path}: cannot be a folder for results (File exists)' in line


def test_a_work_directory_without_room(train, tiny, tmp_path, monkeypatch):
    work = tmp_path / 'work'
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, limits[1]))
    try:
        line = fails(train, tiny.path, f'--work-dir={work}')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert line.startswith(f'{work}: ') and 'File too large' in line
    assert str(tiny.path) not in line and not list(work.iterdir())

    def train_step(self, data, optim_wrapper):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(CascadePoseEstimator, 'train_step', train_step)
    line = fails(train, tiny.path, f'--work-dir={work}')
    assert line.startswith(f'{work}: ') and 'No space left' in line


@pytest.mark.parametrize('value', [['a.pth'], 3, dict(a=1)], ids=repr)
@pytest.mark.parametrize('key', ['load_from', 'work_dir'])
def test_a_path_that_is_none_is_named(train, tiny, tmp_path, key, value):
    config = tmp_path / 'config.py'
    config.write_text(f'_base_ = [{str(tiny.path)!r}]\n{key} = {value!r}\n')
    line = fails(train, config)
    assert line.startswith(f'{config}: {key} must be one path')


@pytest.mark.parametrize('key', ['model', 'optim_wrapper', 'train_cfg'])
def test_a_config_without_what_training_needs_is_named(train, tiny, tmp_path, key):
    path = tmp_path / 'x.py'
    path.write_text(f'_base_ = [{str(tiny.path)!r}]\n{key} = None\n')
    assert f'x.py: has no {key};' in fails(train, path, '--amp')


def test_a_config_that_ends_the_program_is_named(train, tmp_path):
    config = tmp_path / 'config.py'
    config.write_text('import sys\nsys.exit(3)\n')
    assert f'{config}: is no readable config: SystemExit: 3' in fails(train, config)


def test_a_fault_in_training_keeps_its_traceback(train, tiny, tmp_path, monkeypatch):
    def train_step(self, data, optim_wrapper):
        raise TypeError('of the first batch')

    monkeypatch.setattr(CascadePoseEstimator, 'train_step', train_step)
    with pytest.raises(TypeError, match='of the first batch'):
        train.main([str(tiny.path), f'--work-dir={tmp_path}'])


@pytest.mark.parametrize(
    ('option', 'mend'),
    [
        ('model.head.input_size=(36,36)', 'not divisible by 8'),
        ('model.head.heatmap_size=(12,12)', 'must be input_size divided by one'),
        ('model.head.refiner.output_stride=4', 'set its output_stride to 1'),
    ],
)
def test_sizes_that_do_not_fit_name_the_config(train, tiny, tmp_path, option, mend):
    work = f'--work-dir={tmp_path}'
    line = fails(train, tiny.path, work, '--cfg-options', option)
    assert line.startswith(f'{tiny.path}: ') and mend in line
    assert not list(tmp_path.glob('**/*.pth'))


def test_a_tool_ends_with_one_line_and_a_code(train, monkeypatch, capsys):
    monkeypatch.setattr(sys, 'argv', ['train.py', 'nowhere.py'])
    with pytest.raises(SystemExit) as stop:
        run(train.main)
    assert stop.value.code == 2
    assert capsys.readouterr().err == 'error: nowhere.py: no such config\n'


def test_progress_shows_one_line_a_stage(tiny, tmp_path, capsys):
    tiny.train(
        tmp_path,
        hooks=[ProgressHook()],
        stages=[
            dict(name='one', trains=['detector'], epochs=1, lr=1e-3),
            dict(name='two', trains=['refiner'], epochs=1, lr=1e-3),
        ],
        **tiny.no_validation,
    )
    lines = capsys.readouterr().err.replace('\r', '\n').splitlines()
    ends = [line for line in lines if line.startswith('stage ') and '3/3' in line]
    assert {end.split(':')[0] for end in ends} == {'stage 1/2 one', 'stage 2/2 two'}
    assert all('loss=' in end for end in ends)
