"""The tools of the ablation on rows that train in seconds."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from phr_mmpose.engine.stages import config_stages
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from projects.paper_study import ablation, occlusion_study, starting
from projects.paper_study.scores import read_scores

REPO = Path(__file__).resolve().parents[3]
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


@pytest.fixture(scope='module')
def rows(tmp_path_factory, small_cascade) -> Path:
    folder = tmp_path_factory.mktemp('rows')
    (folder / '_base.py').write_text(small_cascade)
    (folder / 'alone.py').write_text(ALONE)
    (folder / 'broken.py').write_text(BROKEN)
    (folder / 'cascade.py').write_text("_base_ = '_base.py'\n")
    return folder


@pytest.fixture(scope='module')
def command(rows):
    return ['--config-set', str(rows), '--images', '80', '--rows', 'broken', 'alone']


@pytest.fixture(scope='module')
def finished(command, tmp_path_factory):
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
    scores = read_scores(folder / 'alone/seed_0/scores.json')
    assert run['scores'] == scores and set(run) == {'scores', 'training'}
    assert alone['mean']['Total'] == scores['Total']
    assert alone['deviation']['Total'] is None
    assert run['training']['core_minutes'] > 0


def test_the_row_was_trained_on_its_budget(finished):
    folder, _ = finished
    config = load_config(folder / 'alone' / 'config.py')
    # Two iterations of eight images in each epoch.
    assert config.budget.images == 80
    assert [stage['epochs'] for stage in config_stages(config)] == [5]
    assert config.train_dataloader.sampler.length == 16
    checkpoint = safe_load(folder / 'alone' / 'seed_0' / 'stage_detector.pth')
    assert checkpoint['meta']['iter'] == 10


def test_what_is_finished_is_not_run_again(command, finished, tmp_path, monkeypatch):
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
    assert not calls

    # Killed between training and evaluation: only the latter is run.
    (folder / 'alone' / 'seed_0' / 'scores.json').unlink()
    calls.clear()
    ablation.main(command)
    assert [tool for tool, *_ in calls] == ['test.py']
    assert calls[0][2].endswith('seed_0/stage_detector.pth')

    # Another seed is trained, and goes on if it was begun.
    calls.clear()
    with pytest.raises(UserError, match='1 of 1 rows failed: alone'):
        ablation.main([*command, '--seeds', '0', '3'])
    tool, config, *options = calls[-1]
    assert (tool, config) == ('train.py', str(folder / 'alone' / 'config.py'))
    assert '--resume' in options and options[options.index('--seed') + 1] == '3'


def test_a_step_that_is_killed_or_speaks_last(tmp_path, monkeypatch):
    monkeypatch.setattr(starting, 'TOOLS', tmp_path)
    log = tmp_path / 'logs' / 'log.txt'
    kill = 'import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n'
    (tmp_path / 'killed.py').write_text(kill)
    with pytest.raises(ablation.StepError, match=r'killed by signal 9 \(tools/killed'):
        ablation.call(log, 'killed.py')
    (tmp_path / 'speaks.py').write_text('import sys\nsys.exit("error: no data\\n")\n')
    with pytest.raises(ablation.StepError, match=r'^no data \(tools/speaks.py, see '):
        ablation.call(log, 'speaks.py')


def test_a_row_may_have_parts_of_this_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(starting, 'TOOLS', tmp_path)
    monkeypatch.delenv('PYTHONPATH', raising=False)
    monkeypatch.chdir(tmp_path)
    script = 'import sys, projects.paper_study\nprint(sys.argv[1:])\n'
    (tmp_path / 'imports.py').write_text(script)
    ablation.call(tmp_path / 'log.txt', 'imports.py', 'row')
    assert (tmp_path / 'log.txt').read_text() == "['row']\n"


@pytest.mark.parametrize(
    ('changes', 'line'),
    [
        (['--rows', 'none'], "no row 'none' in .*: it has alone, broken, cascade"),
        (['--data', 'nowhere'], '--data nowhere: no such folder'),
        (['--config-set', 'nowhere'], 'nowhere: no configs here'),
        (['--images', '0'], '--images 0: give a positive number'),
    ],
)
def test_a_faulty_command_is_refused_at_once(command, changes, line):
    with pytest.raises(UserError, match=line):
        ablation.main([*command, '--work-dir', 'unused', *changes])
    assert not Path('unused').exists()


def test_another_budget_is_not_mixed_with_it(command, finished, tmp_path):
    folder = tmp_path / 'copy'
    shutil.copytree(finished[0], folder)
    command = [*command[:-2], 'alone', '--work-dir', str(folder)]
    before = (folder / 'alone' / 'config.py').read_text()
    for changes in (
        ['--images', '160'],
        ['--cfg-options', 'randomness.seed=5'],
        ['--random-init'],
    ):
        with pytest.raises(UserError, match='1 of 1 rows failed: alone'):
            ablation.main([*command, *changes])
        content = json.loads((folder / 'ablation.json').read_text())
        (row,) = content['rows']
        assert 'another budget or config' in row['failure']
        assert not row['runs']
    assert (folder / 'alone' / 'config.py').read_text() == before


def test_choices_are_made_on_the_held_out_data(rows, tmp_path):
    path = rows / '_held_out.py'
    path.write_text(
        "_base_ = 'alone.py'\nval_dataloader = dict(dataset=dict(seed=5))\n"
    )
    arguments = ['--config-set', str(rows), '--work-dir', 'unused', '--images', '80']
    scored = {}
    for options in ([], ['--held-out']):
        out = tmp_path / f'{len(options)}.py'
        ablation.fit(path, out, ablation.parse_args([*arguments, *options]))
        scored[len(options)] = load_config(out).test_dataloader.dataset.seed
    assert scored == {0: 1, 1: 5}


def test_the_tables_say_that_others_were_held_out(command, tmp_path, monkeypatch):
    monkeypatch.setattr(ablation, 'fit', lambda *_: None)
    monkeypatch.setattr(ablation, 'run_once', lambda *_: None)
    ablation.main([*command, '--held-out', '--work-dir', str(tmp_path)])
    content = json.loads((tmp_path / 'ablation.json').read_text())
    assert content['budget'] == '80 images, scored on held-out data'


def test_test_data_is_not_called_held_out(rows, tmp_path):
    arguments = ['--config-set', str(rows), '--work-dir', 'unused', '--images', '80']
    args = ablation.parse_args([*arguments, '--held-out'])
    with pytest.raises(UserError, match='its val_dataloader reads the test data'):
        ablation.fit(rows / 'alone.py', tmp_path / 'config.py', args)


def test_data_is_put_into_every_data_set(tmp_path):
    config = load_config(REPO / 'configs' / 'phr_tiny_lsp.py')
    ablation.use_data(config, str(tmp_path))
    joined = config.train_dataloader.dataset.datasets
    tests = [config.val_dataloader.dataset, config.test_dataloader.dataset]
    assert {each.data_root for each in (*joined, *tests)} == {f'{tmp_path}/'}
    figures = load_config(REPO / 'configs' / 'phr_tiny_figures.py')
    with pytest.raises(UserError, match='no data set here has a data_root'):
        ablation.use_data(figures, str(tmp_path))


class TestOcclusionStudy:
    def test_a_detector_alone(self, finished, tmp_path, capsys):
        source = finished[0] / 'alone'
        checkpoint = str(source / 'seed_0' / 'stage_detector.pth')
        occlusion_study.main(
            ['--config', str(source / 'config.py'), '--checkpoint', checkpoint]
            + ['--levels', '0.3', '--num', '10', '--out', str(tmp_path)]
        )
        (level,) = json.loads((tmp_path / 'occlusion.json').read_text())['levels']
        assert level['occlusion'] == 0.3 and 0.15 < level['hidden'] < 0.55
        (scores,) = level['detector']
        assert scores['checkpoint'] == checkpoint
        assert 'refiner' not in level
        assert (tmp_path / 'occlusion.md').read_text() in capsys.readouterr().out
        assert (tmp_path / 'occlusion.png').exists()

    def test_faults_get_one_line(self, rows, tmp_path):
        out = ['--out', str(tmp_path / 'out'), '--checkpoint', 'none.pth']
        config = ['--config', str(rows / 'alone.py')]
        with pytest.raises(UserError, match='--levels 2: give a number from 0 to 1'):
            occlusion_study.main([*config, *out, '--levels', '2'])
        lsp = ['--config', str(REPO / 'configs' / 'phr_tiny_lsp.py')]
        with pytest.raises(UserError, match='its test data is no FigureDataset'):
            occlusion_study.main([*lsp, *out])
        assert not (tmp_path / 'out').exists()


@pytest.mark.slow
@pytest.mark.parametrize('script', ['ablation', 'occlusion_study', 'gallery'])
def test_it_starts_in_a_process_of_its_own(script):
    environment = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    done = subprocess.run(
        [sys.executable, f'projects/paper_study/{script}.py', '--help'],
        cwd=REPO,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert 'projects/paper_study' in done.stdout
