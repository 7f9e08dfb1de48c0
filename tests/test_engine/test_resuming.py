import os
import signal

import pytest
import torch

from phr_mmpose.engine.resuming import latest_checkpoint
from phr_mmpose.utils.checkpoint import safe_load

HOOKS = [dict(type='EMAHook', momentum=0.1)]
KILLED = """
_base_ = [{base!r}]
custom_hooks = [*{hooks!r}, dict(type={hook!r}, {arguments})]
"""


def start_doomed(tiny, work_dir, hook, arguments, *options):
    """Begin training in another process, which will be killed."""
    config = work_dir.parent / f'{hook}.py'
    config.write_text(
        KILLED.format(base=str(tiny.path), hooks=HOOKS, hook=hook, arguments=arguments)
    )
    tool = tiny.repo / 'tools' / 'train.py'
    return tiny.start_python(tool, config, '--work-dir', work_dir, *options)


def await_death(tiny, process):
    code, output = tiny.finish(process)
    assert code == -signal.SIGKILL, output


def test_killed_runs_go_on_as_if_they_had_not_stopped(tiny, tmp_path):
    """In the middle of stage 2 (epoch 4 of 6) and at its border with stage 3."""
    killed = tmp_path / 'killed'
    # Workers or none, theirs to live on or not: nothing depends on it.
    workers = ['num_workers=2', 'persistent_workers=True']
    options = [f'train_dataloader.{option}' for option in workers]
    doomed = start_doomed(
        tiny, killed, 'KillHook', 'after_iteration=11', '--cfg-options', *options
    )
    whole = tiny.train(tmp_path / 'whole', custom_hooks=HOOKS)
    await_death(tiny, doomed)
    assert latest_checkpoint(killed).name == 'epoch_3.pth'
    assert not (killed / 'stage_refiner.pth').exists()
    one = ('--cfg-options', 'train_dataloader.num_workers=1')
    doomed = start_doomed(
        tiny, killed, 'KillAfterStageHook', 'epoch=4', '--resume', *one
    )
    await_death(tiny, doomed)
    # The stage's own checkpoint is there as soon as the epoch's is.
    assert (killed / 'stage_refiner.pth').is_file()
    last = latest_checkpoint(killed)
    assert last.name == 'epoch_4.pth'
    # Another seed in the config: the run's own, in the checkpoint, counts.
    resumed = tiny.train(
        killed,
        custom_hooks=HOOKS,
        resume=True,
        load_from=str(last),
        randomness__seed=5,
    )

    expected = tiny.losses(tmp_path / 'whole')
    found = tiny.losses(killed)
    assert sorted(expected) == list(range(1, 19))
    assert set(found) == set(expected)
    for step, values in found.items():
        for value in values:
            assert [value] == expected[step], step
    # Iterations 10 and perhaps 11 were done twice.
    assert len(found[10]) == 2
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[key]), key
    averaged = safe_load(tmp_path / 'whole' / 'stage_joint.pth')['state_dict']
    for key, value in safe_load(killed / 'stage_joint.pth')['state_dict'].items():
        assert torch.equal(value, averaged[key]), key


def test_a_resumed_random_seed_is_used_everywhere(tiny, tmp_path):
    changes = dict(
        stages=[dict(name='detector', trains=['detector'], epochs=2, lr=1e-2)],
        randomness__seed=None,
        **tiny.no_validation,
    )
    first = tiny.train(tmp_path, **changes)
    last = str(tmp_path / 'epoch_1.pth')
    again = tiny.train(tmp_path, resume=True, load_from=last, **changes)
    assert again.seed == first.seed
    logged = tiny.losses(tmp_path)
    for step in (4, 5, 6):
        once, twice = logged[step]
        assert once == twice, step


@pytest.fixture
def work_dir(tmp_path):
    for name in ('epoch_2', 'epoch_9', 'epoch_10', 'stage_a'):
        torch.save(dict(meta={}, optimizer={}, state_dict={}), tmp_path / f'{name}.pth')
    return tmp_path


def test_the_named_checkpoint_comes_first(work_dir):
    note = work_dir / 'last_checkpoint'
    note.write_text(str(work_dir / 'epoch_9.pth'))
    assert latest_checkpoint(work_dir) == work_dir / 'epoch_9.pth'
    note.write_text('/gone/epoch_2.pth')
    assert latest_checkpoint(work_dir) == work_dir / 'epoch_2.pth'


@pytest.mark.parametrize(
    'content',
    [
        *(b'', b'\0' * 40, b'\xff\xfe', b'/no/epoch_5.pth'),
        pytest.param(b'x' * 5000 + b'.pth', id='5,000 characters'),
    ],
)
def test_a_garbled_note_does_not_matter(work_dir, content):
    (work_dir / 'last_checkpoint').write_bytes(content)
    assert latest_checkpoint(work_dir) == work_dir / 'epoch_10.pth'


@pytest.mark.parametrize('last', ['a', 'b'])
def test_of_the_stages_the_one_written_last_comes_first(tmp_path, last):
    for name in ('a', 'b'):
        path = tmp_path / f'stage_{name}.pth'
        torch.save(dict(optimizer={}), path)
        seconds = 2 if name == last else 1
        os.utime(path, (seconds, seconds))
    assert latest_checkpoint(tmp_path).name == f'stage_{last}.pth'


def test_damaged_checkpoints_are_passed_over(work_dir):
    (work_dir / 'epoch_10.pth').write_bytes(b'')
    whole = (work_dir / 'epoch_9.pth').read_bytes()
    (work_dir / 'epoch_9.pth').write_bytes(whole[: len(whole) // 2])
    torch.save(dict(state_dict={}), work_dir / 'epoch_2.pth')  # nothing to resume
    assert latest_checkpoint(work_dir) == work_dir / 'stage_a.pth'
    os.remove(work_dir / 'stage_a.pth')
    assert latest_checkpoint(work_dir) is None
