"""The tools of the ablation on rows that train in seconds."""

import importlib.util
import json
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmpose.registry import HOOKS

from phr_mmpose.engine.stages import config_stages
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError

REPO = Path(__file__).resolve().parents[2]
BASE = f"""
_base_ = {str(REPO / 'configs' / 'phr_tiny_figures.py')!r}
input_size = (32, 32)
train_pipeline = [
    dict(t, input_size=input_size) if 'input_size' in t else t
    for t in _base_.train_pipeline
]
test_pipeline = [
    dict(t, input_size=input_size) if 'input_size' in t else t
    for t in _base_.test_pipeline
]
model = dict(
    backbone=dict(base_channels=8, stem_channels=8),
    head=dict(
        input_size=input_size,
        heatmap_size=(16, 16),
        detector=dict(in_channels=112),
        refiner=dict(width=16, depth=1),
    ),
)
_loader = dict(batch_size=8, num_workers=0, persistent_workers=False)
train_dataloader = dict(
    _loader, dataset=dict(num=24, image_size=64, pipeline=train_pipeline)
)
val_dataloader = dict(
    _loader, dataset=dict(num=16, image_size=64, pipeline=test_pipeline)
)
test_dataloader = val_dataloader
"""
ALONE = """
_base_ = '_base.py'
row = dict(place=2, title='Detector alone')
model = dict(head=dict(refiner=None))
default_hooks = dict(
    param_scheduler=dict(stages=_base_.default_hooks.param_scheduler.stages[:1])
)
train_cfg = dict(max_epochs=5)
"""
BROKEN = "_base_ = '_nowhere.py'\n"


def load_tool(name):
    spec = importlib.util.spec_from_file_location(name, REPO / 'tools' / f'{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope='module')
def ablation():
    return load_tool('ablation')


@pytest.fixture(scope='module')
def rows(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('rows')
    (folder / '_base.py').write_text(BASE)
    (folder / 'alone.py').write_text(ALONE)
    (folder / 'broken.py').write_text(BROKEN)
    (folder / 'cascade.py').write_text("_base_ = '_base.py'\n")
    return folder


@pytest.fixture(scope='module')
def command(rows):
    return ['--config-set', str(rows), '--images', '80', '--rows', 'broken', 'alone']


@pytest.fixture(scope='module')
def finished(ablation, command, tmp_path_factory):
    """Two rows, one of them broken: the folder, and how the tool ended."""
    folder = tmp_path_factory.mktemp('ablation')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv('OMP_NUM_THREADS', '1')
        with pytest.raises(UserError) as error:
            ablation.main([*command, '--work-dir', str(folder)])
    return folder, str(error.value)


def test_a_broken_row_is_one_line_and_the_other_goes_on(finished):
    folder, line = finished
    assert line == '1 of 2 rows failed: broken'
    content = json.loads((folder / 'ablation.json').read_text())
    alone, broken = content['rows']
    assert content['measure'] == 'PCKh@0.5' and content['budget'] == '80 images'
    assert 'broken.py: is no readable config: FileNotFound' in broken['failure']
    assert '\n' not in broken['failure'] and broken['runs'] == {}
    assert alone['failure'] is None and alone['title'] == 'Detector alone'
    run = alone['runs']['0']
    scores = json.loads((folder / 'alone/seed_0/scores.json').read_text())
    assert run['scores'] == scores and set(run) == {'scores', 'training'}
    assert alone['mean']['Total'] == scores['Total']
    assert alone['deviation']['Total'] is None
    assert run['training']['core_minutes'] > 0
    assert (folder / 'ablation.png').stat().st_size > 10_000


def test_the_row_was_trained_on_its_budget(finished):
    folder, _ = finished
    config = load_config(folder / 'alone' / 'config.py')
    # Two iterations of eight images in each epoch.
    assert config.budget.images == 80
    assert [stage['epochs'] for stage in config_stages(config)] == [5]
    assert config.train_dataloader.sampler.length == 16
    checkpoint = safe_load(folder / 'alone' / 'seed_0' / 'stage_detector.pth')
    assert checkpoint['meta']['iter'] == 10


def test_what_is_finished_is_not_run_again(
    ablation, command, finished, tmp_path, monkeypatch
):
    folder = tmp_path / 'copy'
    shutil.copytree(finished[0], folder)
    calls = []

    def call(log, tool, *arguments):
        calls.append((tool, *map(str, arguments)))
        if tool == 'train.py':
            # As a killed run, at its first attempt.
            raise ablation.StepError('killed by signal 9')

    monkeypatch.setattr(ablation, 'call', call)
    command = [*command[:-2], 'alone', '--work-dir', str(folder)]
    ablation.main(command)
    assert [tool for tool, *_ in calls] == ['fit_budget.py']

    # Killed between training and evaluation: only the latter is run.
    (folder / 'alone' / 'seed_0' / 'scores.json').unlink()
    calls.clear()
    ablation.main(command)
    assert [tool for tool, *_ in calls] == ['fit_budget.py', 'test.py']
    assert calls[1][2].endswith('seed_0/stage_detector.pth')

    # Another seed is trained, and goes on if it was begun.
    calls.clear()
    with pytest.raises(UserError, match='1 of 1 rows failed: alone'):
        ablation.main([*command, '--seeds', '0', '3'])
    tool, config, *options = calls[-1]
    assert (tool, config) == ('train.py', str(folder / 'alone' / 'config.py'))
    assert '--resume' in options and options[options.index('--seed') + 1] == '3'


@HOOKS.register_module()
class StopOnceHook(Hook):
    """End the process's training once, in the middle."""

    stopped = False

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter == 4 and not StopOnceHook.stopped:
            StopOnceHook.stopped = True
            raise KeyboardInterrupt


def test_a_stopped_run_ends_as_one_that_went_through(finished, tmp_path):
    train = load_tool('train')
    source = finished[0] / 'alone'
    config = load_config(source / 'config.py')
    config.custom_hooks = [dict(type='StopOnceHook')]
    config.dump(tmp_path / 'config.py')
    command = [str(tmp_path / 'config.py'), '--seed', '0', '--resume', '--no-validate']
    command += ['--work-dir', str(tmp_path / 'run')]
    with pytest.raises(KeyboardInterrupt):
        train.main(command)
    # In the third epoch, of two iterations each.
    assert (tmp_path / 'run' / 'epoch_2.pth').exists()
    train.main(command)
    whole, other = (
        safe_load(folder / 'stage_detector.pth')['state_dict']
        for folder in (source / 'seed_0', tmp_path / 'run')
    )
    for key, value in whole.items():
        torch.testing.assert_close(other[key], value, msg=key)


def test_a_step_that_is_killed_or_speaks_last(ablation, tmp_path, monkeypatch):
    monkeypatch.setattr(ablation, 'TOOLS', tmp_path)
    log = tmp_path / 'logs' / 'log.txt'
    kill = 'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n'
    (tmp_path / 'killed.py').write_text(kill)
    with pytest.raises(ablation.StepError, match=r'killed by signal 9 \(tools/killed'):
        ablation.call(log, 'killed.py')
    (tmp_path / 'speaks.py').write_text('import sys\nsys.exit("error: no data\\n")\n')
    with pytest.raises(ablation.StepError, match=r'^no data \(tools/speaks.py, see '):
        ablation.call(log, 'speaks.py')


@pytest.mark.parametrize(
    ('changes', 'line'),
    [
        (['--rows', 'none'], "no row 'none' in .*: it has alone, broken, cascade"),
        (['--data', 'nowhere'], '--data nowhere: no such folder'),
        (['--config-set', 'nowhere'], 'nowhere: no configs here'),
        (['--images', '0'], '--images 0: give a positive number'),
    ],
)
def test_a_faulty_command_is_refused_at_once(ablation, command, changes, line):
    with pytest.raises(UserError, match=line):
        ablation.main([*command, '--work-dir', 'unused', *changes])
    assert not Path('unused').exists()


class TestFitBudget:
    @pytest.fixture
    def tool(self):
        return load_tool('fit_budget')

    def test_minutes(self, tool, rows, tmp_path, capsys):
        out = tmp_path / 'fitted.py'
        arguments = [str(rows / 'cascade.py'), '--out', str(out), '--minutes', '0.05']
        tool.main(arguments)
        config = load_config(out)
        costs = config.budget.seconds_per_image
        assert len(costs) == 3 and all(0 < cost < 1 for cost in costs)
        stages = {s['name']: s['epochs'] for s in config_stages(config)}
        length = config.train_dataloader.sampler.length
        seen = [epochs * length for epochs in stages.values()]
        assert config.budget.images == sum(seen)
        seconds = sum(cost * images for cost, images in zip(costs, seen, strict=True))
        # Up to an epoch of rounding in each stage.
        assert abs(seconds - 3) <= length * sum(costs)
        assert capsys.readouterr().out.count('ms each') == 3
        # Again: nothing to do. Otherwise: a refusal.
        before = out.read_text()
        tool.main(arguments)
        assert out.read_text() == before
        for changes in (['--minutes', '1'], ['--cfg-options', 'randomness.seed=5']):
            with pytest.raises(UserError, match='fitted to another budget or config'):
                tool.main([*arguments, *changes])
        assert out.read_text() == before

    def test_data_is_put_into_every_data_set(self, tool, tmp_path):
        config = load_config(REPO / 'configs' / 'phr_tiny_lsp.py')
        tool.use_data(config, str(tmp_path))
        joined = config.train_dataloader.dataset.datasets
        tests = [config.val_dataloader.dataset, config.test_dataloader.dataset]
        assert {each.data_root for each in (*joined, *tests)} == {f'{tmp_path}/'}
        figures = load_config(REPO / 'configs' / 'phr_tiny_figures.py')
        with pytest.raises(UserError, match='no data set here has a data_root'):
            tool.use_data(figures, str(tmp_path))
        with pytest.raises(UserError, match='--data nowhere: no such folder'):
            tool.use_data(config, 'nowhere')


class TestOcclusionStudy:
    @pytest.fixture
    def tool(self):
        return load_tool('occlusion_study')

    def test_a_detector_alone(self, tool, finished, tmp_path, capsys):
        source = finished[0] / 'alone'
        checkpoint = str(source / 'seed_0' / 'stage_detector.pth')
        tool.main(
            ['--config', str(source / 'config.py'), '--checkpoint', checkpoint]
            + ['--levels', '0.3', '--num', '10', '--out', str(tmp_path)]
        )
        (level,) = json.loads((tmp_path / 'occlusion.json').read_text())['levels']
        assert level['occlusion'] == 0.3 and 0.15 < level['hidden'] < 0.55
        (scores,) = level['detector']
        assert (scores['persons'], scores['checkpoint']) == (10, checkpoint)
        assert 'regressor' not in level
        assert (tmp_path / 'occlusion.md').read_text() in capsys.readouterr().out
        assert (tmp_path / 'occlusion.png').exists()

    def test_faults_get_one_line(self, tool, rows, tmp_path):
        out = ['--out', str(tmp_path / 'out'), '--checkpoint', 'none.pth']
        config = ['--config', str(rows / 'alone.py')]
        with pytest.raises(UserError, match='--levels 2: give shares from 0 to 1'):
            tool.main([*config, *out, '--levels', '2'])
        lsp = ['--config', str(REPO / 'configs' / 'phr_tiny_lsp.py')]
        with pytest.raises(UserError, match='its test data is no FigureDataset'):
            tool.main([*lsp, *out])
        assert not (tmp_path / 'out').exists()
