"""A run killed at each of its file operations leaves something to resume from."""

import os
import signal
import uuid
from pathlib import Path

import pytest
import torch
from kills import kill_before
from mmengine.evaluator import BaseMetric
from mmengine.fileio import LocalBackend
from mmengine.hooks import CheckpointHook
from mmengine.model import BaseModel
from mmengine.runner import Runner, find_latest_checkpoint
from torch.utils.data import DataLoader

from phr_mmpose.engine.hooks import AtomicCheckpointHook
from phr_mmpose.utils.errors import UserError


class Line(BaseModel):
    def __init__(self):
        super().__init__()
        self.slope = torch.nn.Parameter(torch.zeros(()))

    def forward(self, x, mode):
        return dict(loss=(self.slope - x.mean()) ** 2) if mode == 'loss' else [x]


class Climbing(BaseMetric):
    """Scores better with every validation, so that each is the best."""

    score = 0

    def process(self, data_batch, data_samples):
        self.results.append(0)

    def compute_metrics(self, results):
        Climbing.score += 1
        return {'accuracy': Climbing.score}


def collate(items):
    return dict(x=torch.stack(items))


def run(folder: Path, hook=AtomicCheckpointHook, resume=False, epochs=3, **options):
    """Train a line, validated after each epoch."""

    def data():
        return DataLoader([torch.ones(1)] * 2, batch_size=1, collate_fn=collate)

    runner = Runner(
        Line(),
        work_dir=str(folder),
        train_dataloader=data(),
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1)),
        val_dataloader=data(),
        val_cfg=dict(),
        val_evaluator=[Climbing()],
        default_hooks=dict(checkpoint=None, logger=None),
        resume=resume,
        # Runners of one process share logs by this name.
        experiment_name=uuid.uuid4().hex,
        log_level='ERROR',
    )
    runner.register_hook(hook(**{'interval': 1, **options}))
    Climbing.score = runner.epoch
    runner.train()
    return runner


def in_a_fork(action) -> int:
    """Run something in a copy of this process; -9 where it was killed."""
    process = os.fork()
    if process == 0:
        # An error's output is the test's; its exit code is not 0 nor a signal.
        code = 1
        try:
            torch.set_num_threads(1)
            action()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def names(folder: Path) -> set[str]:
    """Name the files in a folder, but for the run's config."""
    files = {path.name for path in folder.iterdir() if path.is_file()}
    return {name for name in files if not name.endswith('.py')}


def faults(folder: Path) -> list[str]:
    """What a killed run left that is not whole."""
    found = []
    note = find_latest_checkpoint(str(folder))
    if note is not None and not os.path.isfile(note):
        found.append(f'last_checkpoint names {note!r}')
    for path in folder.glob('[!.]*.pth'):
        try:
            torch.load(path, weights_only=False)
        except (EOFError, RuntimeError, OSError) as error:
            found.append(f'{path.name}: {error}')
    epochs = list(folder.glob('epoch_*.pth'))
    if note is None and len(epochs) > 1:
        found.append('checkpoints without last_checkpoint')
    return found


def kill_everywhere(tmp_path: Path, **options):
    """Kill a run at each operation; give the folders and what was wrong there."""
    number = 0
    while True:
        number += 1
        folder = tmp_path / str(number)

        def killed(number=number, folder=folder):
            kill_before(number, folder)
            run(folder, epochs=2, max_keep_ckpts=1, save_best='accuracy', **options)

        code = in_a_fork(killed)
        assert code in (0, -signal.SIGKILL)
        if code == 0:
            return
        yield folder, faults(folder)


@pytest.mark.slow
def test_a_kill_at_each_operation_leaves_something_to_resume_from(tmp_path):
    kills, best_seen = 0, False
    for folder, wrong in kill_everywhere(tmp_path):
        assert not wrong, folder.name
        best = list(folder.glob('best_*.pth'))
        # Once there is a best checkpoint, there always is.
        assert best or not (best_seen and (folder / 'epoch_2.pth').exists())
        best_seen = best_seen or bool(best)
        kills += 1
    # Each of two epochs writes five files in four operations each, and the second
    # removes two.
    assert kills == 2 * 5 * 4 + 2


@pytest.mark.slow
def test_the_stock_hook_needs_it(tmp_path):
    # The hook can go when this fails.
    stock = dict(hook=CheckpointHook, backend_args=dict(backend='atomic'))
    assert any(wrong for _, wrong in kill_everywhere(tmp_path, **stock))


@pytest.mark.parametrize('torn', ['epoch_2.pth', 'last_checkpoint'])
def test_a_killed_run_goes_on(tmp_path, torn):
    folder = tmp_path / 'run'

    def killed():
        replace = os.replace

        def at_the_moment(source, target):
            if Path(target).name == torn and (folder / 'epoch_1.pth').exists():
                os.kill(os.getpid(), signal.SIGKILL)
            replace(source, target)

        os.replace = at_the_moment
        run(folder, max_keep_ckpts=1)

    assert in_a_fork(killed) == -signal.SIGKILL
    assert any(name.startswith('.') for name in names(folder))
    resumed = run(folder, resume=True, max_keep_ckpts=1)
    whole = run(tmp_path / 'whole', max_keep_ckpts=1)
    assert resumed.iter == whole.iter == 6
    assert torch.equal(resumed.model.slope, whole.model.slope)
    assert find_latest_checkpoint(str(folder)) == str(folder / 'epoch_3.pth')
    # Nor is anything left of what was being written.
    assert not any(name.startswith('.') for name in names(folder))


def test_an_unhurt_run_leaves_what_mmengine_leaves(tmp_path):
    options = dict(max_keep_ckpts=2, save_best='accuracy')
    run(tmp_path / 'ours', **options)
    run(tmp_path / 'stock', hook=CheckpointHook, **options)
    expected = {'best_accuracy_epoch_3.pth', 'epoch_2.pth', 'epoch_3.pth'}
    assert names(tmp_path / 'ours') == names(tmp_path / 'stock')
    assert names(tmp_path / 'ours') == expected | {'last_checkpoint'}
    for folder in ('ours', 'stock'):
        note = (tmp_path / folder / 'last_checkpoint').read_text()
        assert note == str(tmp_path / folder / 'epoch_3.pth')


def test_checkpoints_by_iterations(tmp_path):
    run(tmp_path / 'run', by_epoch=False, interval=2, max_keep_ckpts=1)
    assert names(tmp_path / 'run') == {'iter_6.pth', 'last_checkpoint'}


@pytest.mark.parametrize('interval', [2, 4])
def test_iterations_count_from_where_saving_begins_as_in_mmengine(tmp_path, interval):
    options = dict(by_epoch=False, interval=interval, save_begin=1)
    run(tmp_path / 'ours', **options)
    run(tmp_path / 'theirs', hook=CheckpointHook, **options)
    assert names(tmp_path / 'ours') == names(tmp_path / 'theirs')
    assert f'iter_{1 + interval}.pth' in names(tmp_path / 'ours')


def test_a_checkpoint_written_anew_stays(tmp_path):
    runner = run(tmp_path / 'run', save_best='accuracy')
    hook = runner.hooks[-1]
    hook.after_val_epoch(runner, {'accuracy': 100})
    assert (tmp_path / 'run' / 'best_accuracy_epoch_3.pth').is_file()


def test_another_folder_and_another_backend(tmp_path):
    runner = run(
        tmp_path / 'run', out_dir=str(tmp_path), backend_args=dict(backend='local')
    )
    assert type(runner.hooks[-1].file_backend) is LocalBackend
    note = (tmp_path / 'run' / 'last_checkpoint').read_text()
    assert note == str(tmp_path / 'run' / 'epoch_3.pth')


def test_the_best_by_a_name_without_prefix_is_refused_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(Climbing, 'default_prefix', 'lsp')
    with pytest.raises(UserError, match="write 'lsp/accuracy'"):
        run(tmp_path, save_best='accuracy')
    assert not names(tmp_path)
    run(tmp_path, save_best='lsp/accuracy', epochs=1)
    assert any(name.startswith('best_lsp') for name in names(tmp_path))
