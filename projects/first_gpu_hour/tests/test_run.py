"""The whole of it on a dozen made-up persons, in seconds and without a GPU."""

import json
import multiprocessing
import shutil

import cv2
import numpy as np
import pytest
import torch
from photo_samples import smooth_photo

from phr_mmpose.datasets.annotation_list import AnnotationList, save_annotation_list
from phr_mmpose.engine.stages import config_stages
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from projects.first_gpu_hour import run
from projects.first_gpu_hour.measuring import Speed, measure
from projects.first_gpu_hour.running import DEVICE, train

REPO = run.CONFIG.parents[1]
CONFIG = f"""
_base_ = {str(REPO / 'configs' / 'phr_tiny_lsp.py')!r}
model = dict(
    backbone=dict(base_channels=8, stem_channels=8),
    head=dict(detector=dict(in_channels=112), refiner=dict(width=16, depth=1)),
)
_stages = _base_.default_hooks.param_scheduler.stages
default_hooks = dict(
    param_scheduler=dict(stages=[dict(each, epochs=2) for each in _stages])
)
train_cfg = dict(max_epochs=6)
train_dataloader = dict(batch_size=4, num_workers=0, persistent_workers=False)
test_dataloader = dict(num_workers=0, persistent_workers=False)
"""


def write_list(folder, name, known=True):
    """A dozen persons, each joint in a place of its own, and their photo."""
    kind = name.split('_')[0]
    photo = folder / 'images' / kind / 'a.jpg'
    photo.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(photo), smooth_photo(120, 150))
    joints = 40 + 5.0 * np.stack(np.divmod(np.arange(14), 4), axis=1)
    visible = np.ones((12, 14), dtype=bool)
    visible[:, 3] = not known
    annotations = AnnotationList(
        images=[f'{kind}/a.jpg'] * 12,
        centers=np.full((12, 2), 60.0),
        scales=np.full(12, 0.5),
        joints=np.tile(joints, (12, 1, 1)),
        annotated=np.ones((12, 14), dtype=bool),
        visible=visible,
        head_boxes=np.full((12, 4), np.nan),
        visibility_known=np.full(12, known),
    )
    save_annotation_list(folder / 'annotations' / f'{name}.json', annotations)


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    for name in ('lsp_train', 'lsp_test'):
        write_list(folder, name)
    write_list(folder, 'lspet_train', known=False)
    return folder


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    path = tmp_path_factory.mktemp('configs') / 'small.py'
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope='module')
def command(data, config):
    return ['--config', str(config), '--data', str(data), '--random-init']


SPEED = Speed(
    samples=24,
    stages=dict(detector=100.0, refiner=50.0, joint=150.0),
    loader=100.0,
    saving=1.0,
    evaluation=10.0,
    memory=1.0,
)


def start(command, folder, *options):
    """Run it as if an iteration of each stage took 100, 100 and 150 seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, 'measure', lambda config, folder: SPEED)
        run.main([*command, '--work-dir', str(folder), *options])


@pytest.fixture(scope='module')
def first(command, tmp_path_factory):
    """A finished run: its folder."""
    folder = tmp_path_factory.mktemp('run')
    start(command, folder, '--minutes', '40')
    return folder


def rows(folder):
    lines = (folder / 'results.jsonl').read_text().splitlines()
    return [json.loads(line) for line in lines]


def epochs_of(checkpoint):
    return safe_load(checkpoint)['meta']['epoch']


@pytest.mark.slow
def test_a_run_is_fitted_trained_and_rated(first):
    config = load_config(first / 'part_1.py')
    # 40 minutes less two evaluations and nine checkpoints are six epochs of three
    # iterations: of 2 * (100 + 100 + 150) s for each.
    assert config.train_dataloader.sampler.length == 3 * 4
    assert [stage.epochs for stage in config_stages(config)] == [2, 2, 2]
    assert epochs_of(first / 'part_1' / 'stage_joint.pth') == 6
    (row,) = rows(first)
    assert (row['part'], row['done'], row['seed']) == ('part_1', 1.0, 0)
    # Six batches of four persons in each stage, of 24 persons.
    assert row['passes'] == dict(detector=1.0, refiner=1.0, joint=1.0)
    assert row['it_per_s'] == pytest.approx(
        dict(detector=0.01, refiner=0.01, joint=1 / 150)
    )
    assert row['torch'] == torch.__version__ and row['memory_gb'] > 0
    for scores in row['PCK@0.2'].values():
        low, high = sorted([scores['Total_visible'], scores['Total_occluded']])
        assert low <= scores['Total'] <= high
    header, rule, line = (first / 'results.md').read_text().splitlines()
    assert header.count('|') == rule.count('|') == line.count('|')
    assert 'detector 1.0, refiner 1.0, joint 1.0' in line


@pytest.mark.slow
def test_a_finished_run_goes_on_with_a_joint_stage(first, command, tmp_path):
    folder = shutil.copytree(first, tmp_path / 'copy')
    start(command, folder, '--continue', '--minutes', '20')
    config = load_config(folder / 'part_2.py')
    (stage,) = config_stages(config)
    # 20 minutes are three iterations of 2 * 150 s.
    assert (stage.name, stage.epochs) == ('joint', 2)
    assert config.train_dataloader.sampler.length == 3 * 4
    assert config.load_from == str(folder / 'part_1' / 'stage_joint.pth')
    before, after = rows(folder)
    assert (after['part'], after['done']) == ('part_2', 1.0)
    assert after['passes'] == dict(joint=1.0) and before == rows(first)[0]
    assert len((folder / 'results.md').read_text().splitlines()) == 4


@pytest.mark.slow
def test_a_killed_run_is_resumed_and_stopped_in_time(first, command, tmp_path):
    folder = shutil.copytree(first, tmp_path / 'copy')
    # As if it had been killed in the joint stage.
    (folder / 'results.jsonl').unlink()
    for name in ('last_checkpoint', 'epoch_6.pth', 'stage_joint.pth'):
        (folder / 'part_1' / name).unlink()
    start(command, folder, '--continue', '--minutes', '0')
    assert epochs_of(folder / 'part_1' / 'epoch_5.pth') == 5
    assert not (folder / 'part_1' / 'stage_joint.pth').exists()
    assert rows(folder)[0]['done'] == pytest.approx(5 / 6)
    assert rows(folder)[0]['passes'] == dict(detector=1.0, refiner=1.0, joint=0.5)
    assert '(stopped at 83%)' in (folder / 'results.md').read_text()
    start(command, folder, '--continue', '--minutes', '40')
    assert epochs_of(folder / 'part_1' / 'stage_joint.pth') == 6
    assert [row['part'] for row in rows(folder)] == ['part_1'] * 2
    assert rows(folder)[1]['done'] == 1.0


@pytest.mark.slow
def test_a_moment_of_everything_is_measured(command, tmp_path):
    config = load_config(command[1])
    run.use_data(config, command[3])
    text = config.pretty_text
    speed = measure(config, tmp_path)
    # Train and extended set.
    assert speed.samples == 24
    assert list(speed.stages) == ['detector', 'refiner', 'joint']
    every = (*speed.stages.values(), speed.loader, speed.saving, speed.evaluation)
    assert min(every) > 0 and speed.memory > 0.1
    assert speed.seconds('joint') == max(speed.loader, speed.stages['joint'])
    assert not list(tmp_path.iterdir()) and config.pretty_text == text
    # What trains after it must not write into the folder that is gone.
    config.fit_from = config_stages(config)
    run.fit(config, SPEED, seconds=2400)
    assert train(config, tmp_path / 'run', deadline=0.0) > 0.1
    assert (tmp_path / 'run' / 'epoch_1.pth').exists()
    assert not (tmp_path / 'run' / 'epoch_2.pth').exists()


@pytest.mark.slow
def test_workers_end_with_the_training(command, tmp_path):
    config = load_config(command[1])
    run.use_data(config, command[3])
    config.fit_from = config_stages(config)
    run.fit(config, SPEED, seconds=2400)
    config.train_dataloader.update(num_workers=2, persistent_workers=True)
    train(config, tmp_path / 'run', deadline=0.0)
    assert not multiprocessing.active_children()


def test_the_limit_is_told():
    lines = SPEED.describe(batch_size=50).splitlines()
    assert lines[0].endswith('limit is the loader')
    assert lines[2].endswith(f'limit is the {DEVICE.upper()}')
    assert lines[3].startswith('loader: 0 persons a second, 100 s')


@pytest.mark.parametrize(
    ('seconds', 'first', 'epochs'),
    [
        # A hundred epochs of 2.5 s: 500 s may wait for twenty, 2,500 s for all.
        (500, 2.5, [1, 18]),
        (40, 2.5, [1, 1]),
        (2500, 2.5, [8, 92]),
        (500, 0.0, [8, 92]),
    ],
)
def test_epochs_are_merged_where_their_first_batches_take_long(seconds, first, epochs):
    config = load_config(REPO / 'configs' / 'mssnet' / 'tiny' / 'hourglass_masking.py')
    config.default_hooks.param_scheduler.stages = [
        dict(name='detector', trains=['detector'], epochs=8, lr=1.0),
        dict(name='joint', trains=['detector', 'refiner'], epochs=92, lr=1.0),
    ]
    config.custom_hooks[0].switch_epoch = 8
    config.fit_from = config_stages(config)
    rates = dict.fromkeys(('detector', 'joint'), 0.1)
    speed = Speed(800, rates, 0.0, 0.0, 10.0, 1.0, first=first)
    run.fit(config, speed, seconds)
    assert [stage.epochs for stage in config_stages(config)] == epochs
    assert config.train_cfg.max_epochs == sum(epochs)
    assert config.custom_hooks[0].switch_epoch == epochs[0]


def test_a_gpu_gets_what_it_is_quick_at(command, monkeypatch):
    monkeypatch.setattr(run, 'DEVICE', 'cuda')
    for quick, wrapper in ((True, 'BFloat16OptimWrapper'), (False, 'OptimWrapper')):
        monkeypatch.setattr(run, 'computes_bf16', lambda device, quick=quick: quick)
        config = load_config(run.CONFIG)
        run.suit_machine(config)
        assert config.optim_wrapper.type == wrapper
        assert config.optim_wrapper.optimizer.fused is True
        assert config.train_dataloader.num_workers >= 1
        assert config.test_dataloader.batch_size == 32


def test_a_raw_folder_is_prepared(data, config, tmp_path):
    folder = shutil.copytree(data, tmp_path / 'data')
    (folder / 'annotations' / 'lspet_train.json').unlink()
    raw = tmp_path / 'raw'
    (raw / 'images').mkdir(parents=True)
    cv2.imwrite(str(raw / 'images' / 'im00001.jpg'), smooth_photo(120, 150))
    joints = [[40 + 5 * (i % 4), 40 + 5 * (i // 4), 1] for i in range(14)]
    (raw / 'annotations.json').write_text(
        json.dumps([dict(image='im00001.jpg', joints=joints)])
    )
    command = ['--minutes', '1', '--config', str(config), '--data', str(folder)]
    args = run.parse_args([*command, '--lspet', str(raw)])
    run.prepare_data(load_config(config), args)
    (person,) = json.loads((folder / 'annotations' / 'lspet_train.json').read_text())
    assert person['image'] == 'lspet/im00001.jpg'
    assert (folder / 'images' / 'lspet' / 'im00001.jpg').is_file()

    (folder / 'annotations' / 'lsp_test.json').unlink()
    with pytest.raises(UserError, match=r'lsp_test.json.*give --lsp RAW'):
        run.prepare_data(load_config(config), args)


def test_a_config_without_a_score_on_lsp_is_refused(data, config, tmp_path):
    args = run.parse_args(['--minutes', '1', '--data', str(data)])
    for name in ('phr_tiny_figures.py', 'phr_res152_mpii.py'):
        other = load_config(REPO / 'configs' / name)
        with pytest.raises(UserError, match=rf'{name}: .*LspPCKAccuracy.*--config'):
            run.prepare_data(other, args)
    several = load_config(config)
    several.test_evaluator = [dict(type='VisibilityAUC'), several.test_evaluator]
    run.prepare_data(several, args)


def test_the_weights_to_start_from_are_checked_at_once(data, config, tmp_path):
    init = 'model.backbone.init_cfg'
    pretrained = [f'{init}.type=Pretrained', f'{init}.checkpoint=no.pth']
    command = ['--minutes', '1', '--config', str(config), '--data', str(data)]
    command += ['--work-dir', str(tmp_path / 'run')]
    with pytest.raises(UserError, match=r'no\.pth.*--random-init.*--init FILE'):
        run.main([*command, '--cfg-options', *pretrained])
    torch.save({'fc.weight': torch.zeros(3)}, tmp_path / 'other.pth')
    with pytest.raises(UserError, match=r'other\.pth is a checkpoint of another model'):
        run.main([*command, '--init', str(tmp_path / 'other.pth')])
    assert not (tmp_path / 'run').exists()


def test_a_command_that_cannot_be_met_is_refused(command, tmp_path):
    begun = tmp_path / 'begun'
    begun.mkdir()
    (begun / 'part_1.py').touch()
    with pytest.raises(UserError, match='holds a run: --continue'):
        start(command, begun, '--minutes', '40')
    with pytest.raises(UserError, match='nothing to continue'):
        start(command, tmp_path, '--minutes', '40', '--continue')
    with pytest.raises(UserError, match=r'each of 6 epochs takes 12:'):
        start(command, tmp_path, '--minutes', '12')
    assert not (tmp_path / 'part_1.py').exists()
