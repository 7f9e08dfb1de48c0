"""A run goes on from a checkpoint of its own, and from no odd one."""

import copy
import uuid

import pytest
import torch
from mmengine.config import Config
from mmpose.registry import OPTIMIZERS
from toy import run_toy  # noqa: F401  registers the toy

from phr_mmpose.engine.checked_runner import CheckedRunner
from phr_mmpose.utils.errors import UserError


def train(work_dir, epochs, optimizer='Adam', **changes):
    config = dict(
        default_scope='mmpose',
        experiment_name=uuid.uuid4().hex,
        work_dir=str(work_dir),
        model=dict(type='ToyCascade'),
        train_dataloader=dict(
            dataset=dict(type='Numbers', count=4),
            sampler=dict(type='DefaultSampler', shuffle=True),
            batch_size=2,
            num_workers=0,
        ),
        optim_wrapper=dict(optimizer=dict(type=optimizer, lr=0.1)),
        param_scheduler=[dict(type='MultiStepLR', milestones=[1, 2])],
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        log_level='ERROR',
        **changes,
    )
    runner = CheckedRunner.from_cfg(Config(config))
    runner.train()
    return runner


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp('trained')
    train(folder, 1)
    return folder / 'epoch_1.pth'


def test_a_sound_one(trained, tmp_path):
    runner = train(tmp_path, 3, resume=True, load_from=str(trained))
    assert (runner.epoch, runner.iter) == (3, 6)


@pytest.mark.parametrize(
    ('path', 'value'),
    [
        (['meta'], None),
        (['meta', 'epoch'], 'one'),
        (['meta', 'iter'], -1),
        (['message_hub'], {}),
        (['message_hub', 'resumed_keys', 'train/loss'], 1j),
        (['optimizer'], 2.5),
        (['optimizer', 'param_groups', 0, 'lr'], 'fast'),
        (['optimizer', 'param_groups', 0, 'betas'], (0.9, None)),
        (['optimizer', 'state', 0, 'exp_avg'], 0.5),
        (['optimizer', 'state', 1, 'exp_avg'], 0.5),
        (['optimizer', 'state', 1, 'exp_avg'], torch.zeros(7)),
        (['param_schedulers', 0], 1.5),
        (['param_schedulers', 0, 'param_name'], None),
        (['param_schedulers', 0, 'param_name'], 3),
        (['param_schedulers', 0, '_last_value'], ['a']),
    ],
)
def test_odd_ones_are_refused(trained, tmp_path, path, value):
    checkpoint = torch.load(trained, weights_only=False)
    owner = checkpoint
    for key in path[:-1]:
        owner = owner[key]
    assert path[-1] in owner or isinstance(owner, list)
    owner[path[-1]] = copy.deepcopy(value)
    file = tmp_path / 'odd.pth'
    torch.save(checkpoint, file)
    with pytest.raises(UserError) as caught:
        train(tmp_path, 3, resume=True, load_from=str(file))
    # Old versions of torch do not let complex numbers be read at all.
    assert str(caught.value).startswith(str(file))
    assert 'cannot be resumed' in str(caught.value) or value == 1j


def test_state_of_any_shape_is_for_optimizers_from_elsewhere(tmp_path):
    class Blockwise(torch.optim.SGD):
        """Keeps a table of its own, as optimizers of 8-bit states do."""

        def step(self, closure=None):
            for parameter in self.param_groups[0]['params']:
                self.state[parameter].setdefault('table', torch.zeros(256))
            return super().step(closure)

    OPTIMIZERS.register_module(module=Blockwise, force=True)
    train(tmp_path, 1, 'Blockwise')
    file = str(tmp_path / 'epoch_1.pth')
    assert train(tmp_path, 2, 'Blockwise', resume=True, load_from=file).epoch == 2
