import copy

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import ExponentialMovingAverage

from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.errors import UserError


class Watch(Hook):
    """Note what each iteration did, and the weights at each epoch's end."""

    def __init__(self):
        self.rates, self.calls, self.graphs, self.weights = [], [], [], []

    def before_train(self, runner):
        model = runner.model
        self.called = set()
        for name, modules in model.parts().items():
            for module in modules:
                module.register_forward_hook(self._note(name))
        self.weights.append(copy.deepcopy(model.state_dict()))

    def _note(self, name):
        def note(module, inputs, output):
            last = output[-1] if isinstance(output, tuple) else output
            self.called.add((name, last.grad_fn is not None))

        return note

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.called.clear()
        groups = runner.optim_wrapper.optimizer.param_groups
        self.rates.append(sorted({group['lr'] for group in groups}))

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.calls.append(set(self.called))

    def after_train_epoch(self, runner):
        self.weights.append(copy.deepcopy(runner.model.state_dict()))
        frozen = [p for p in runner.model.parameters() if not p.requires_grad]
        assert all(parameter.grad is None for parameter in frozen)
        state = runner.optim_wrapper.optimizer.state
        assert not any(parameter in state for parameter in frozen)


@pytest.fixture(scope='module')
def run(tiny, tmp_path_factory):
    work_dir = tmp_path_factory.mktemp('run')
    watch = Watch()
    runner = tiny.train(work_dir, hooks=[watch])
    return runner, watch, work_dir


def changed(before, after, prefix):
    keys = [key for key in before if key.startswith(prefix)]
    assert keys
    return {key for key in keys if not torch.equal(before[key], after[key])}


def test_frozen_parts_stand_still_to_the_bit(run):
    _, watch, _ = run
    refiner, detector = 'head.refiner', ('backbone', 'head.detector')
    for epoch, moving, still in (
        (0, detector, (refiner,)),
        (1, detector, (refiner,)),
        (2, (refiner,), detector),
        (3, (refiner,), detector),
        (4, (refiner, *detector), ()),
    ):
        before, after = watch.weights[epoch : epoch + 2]
        for prefix in moving:
            assert changed(before, after, prefix), (epoch, prefix)
        for prefix in still:
            assert not changed(before, after, prefix), (epoch, prefix)
    # Batch statistics of what trains do move, so the test above can fail.
    moved = changed(watch.weights[0], watch.weights[1], 'backbone')
    assert any(key.endswith('running_mean') for key in moved)


def test_a_stage_runs_only_what_it_needs(run):
    _, watch, _ = run
    assert all(calls == {('detector', True)} for calls in watch.calls[:6])
    second = {('detector', False), ('refiner', True)}
    assert all(calls == second for calls in watch.calls[6:12])
    third = {('detector', True), ('refiner', True)}
    assert all(calls == third for calls in watch.calls[12:])


def test_rates_follow_the_schedule_and_the_groups_multipliers(run):
    _, watch, _ = run
    # Six iterations a stage; 0.01 to 0.001 in five equal factors.
    rates = [1e-2 * 0.1 ** (i / 5) for i in range(6)]
    rates += [1e-2] * 3 + [1e-3] * 9
    assert len(watch.rates) == 18
    for seen, rate in zip(watch.rates, rates, strict=True):
        assert seen == pytest.approx([0.1 * rate, rate])


def test_each_stage_leaves_a_checkpoint(run):
    runner, watch, work_dir = run
    reached = [(2, 6), (4, 12), (6, 18)]
    for index, name in enumerate(('detector', 'regressor', 'joint')):
        checkpoint = safe_load(work_dir / f'stage_{name}.pth')
        weights = watch.weights[2 * (index + 1)]
        for key, value in checkpoint['state_dict'].items():
            assert torch.equal(value, weights[key])
        meta = checkpoint['meta']
        assert (meta['stage']['name'], meta['stage']['epoch']) == (name, 2)
        assert (meta['epoch'], meta['iter'], meta['seed']) == (*reached[index], 0)
        runner.model.load_state_dict(checkpoint['state_dict'])


def test_log_says_when_a_stage_begins(run):
    _, _, work_dir = run
    (path,) = work_dir.glob('*/*.log')
    log = path.read_text()
    assert (
        "Stage 2 of 3, 'regressor', begins: epochs 3 to 4, trains refiner (27,192 of "
        '221,960 parameters), learning rate 0.01, 0.001 from epoch 2, times 0.1, 1 by '
        'parameter group'
    ) in log
    # A loss that is not computed any more is not logged any more.
    assert 'loss_detector' in log.split('Stage 2 of 3')[0]
    assert 'loss_detector' not in log.split('Stage 2 of 3')[1].split('Stage 3 of 3')[0]
    # Validation scores what has been trained.
    assert log.count('scoring the detector') == 1


def test_starting_at_a_stage_equals_going_through(tiny, tmp_path):
    stages = [
        dict(name='regressor', trains=['refiner'], epochs=1, lr=1e-2),
        dict(name='joint', trains=['detector', 'refiner'], epochs=1, lr=1e-3),
    ]
    changes = dict(
        tiny.no_validation,
        # Epochs count from a run's beginning, and with them order and augmentation.
        train_dataloader__sampler__shuffle=False,
        train_dataloader__dataset__pipeline=tiny.config(tmp_path).val_pipeline,
    )
    through = tiny.train(tmp_path / 'through', stages=stages, **changes)
    alone = tiny.train(
        tmp_path / 'alone',
        stages=stages[1:],
        load_from=str(tmp_path / 'through' / 'stage_regressor.pth'),
        **changes,
    )
    expected = tiny.losses(tmp_path / 'through')
    found = tiny.losses(tmp_path / 'alone')
    assert [found[step] for step in (1, 2, 3)] == [expected[step] for step in (4, 5, 6)]
    assert not changed(through.model.state_dict(), alone.model.state_dict(), '')


def test_averaged_weights_are_what_is_saved(tiny, tmp_path):
    watch = Watch()
    runner = tiny.train(
        tmp_path,
        hooks=[watch],
        custom_hooks=[
            dict(type='StagedTrainingHook'),
            dict(type='EMAHook', momentum=0.5),
        ],
        stages=[
            dict(name='regressor', trains=['refiner'], epochs=1, lr=1e-2),
        ],
        **tiny.no_validation,
    )
    checkpoint = safe_load(tmp_path / 'stage_regressor.pth')
    ema = next(hook for hook in runner.hooks if hasattr(hook, 'ema_model')).ema_model
    assert isinstance(ema, ExponentialMovingAverage)
    for key, value in ema.module.state_dict().items():
        assert torch.equal(checkpoint['state_dict'][key], value)
    assert changed(runner.model.state_dict(), checkpoint['state_dict'], 'head.refiner')
    assert not changed(watch.weights[0], runner.model.state_dict(), 'backbone')


def test_bfloat16_and_gradient_accumulation(tiny, tmp_path):
    class Steps(Hook):
        counts = ()

        def after_train_epoch(self, runner):
            state = runner.optim_wrapper.optimizer.state
            self.counts += (max(int(s['step']) for s in state.values()),)

    steps, watch = Steps(), Watch()
    dtypes = []
    runner = tiny.train(
        tmp_path,
        hooks=[steps, watch, DtypeHook(dtypes)],
        optim_wrapper__type='BFloat16OptimWrapper',
        optim_wrapper__accumulative_counts=2,
        stages=[
            dict(name='detector', trains=['detector'], epochs=1, lr=1e-2),
            dict(name='regressor', trains=['refiner'], epochs=2, lr=1e-2),
        ],
        **tiny.no_validation,
    )
    # Three batches an epoch make two steps, the second of one batch.
    assert steps.counts == (2, 2, 4)
    assert torch.bfloat16 in dtypes
    assert all(p.dtype == torch.float32 for p in runner.model.parameters())
    assert all(torch.isfinite(p).all() for p in runner.model.parameters())
    assert not changed(watch.weights[1], watch.weights[3], 'backbone')


class DtypeHook(Hook):
    def __init__(self, dtypes):
        self.dtypes = dtypes

    def before_train(self, runner):
        runner.model.backbone.register_forward_hook(
            lambda module, inputs, output: self.dtypes.append(output[-1].dtype)
        )


@pytest.mark.parametrize(
    'changes,message',
    [
        (dict(stages=[]), 'stages must be a list'),
        (dict(train_cfg__type='EpochBasedTrainLoop', train_cfg__max_epochs=9), '9 epo'),
        (dict(param_scheduler=[dict(type='MultiStepLR', milestones=[1])]), 'param_sch'),
        (dict(train_dataloader__batch_size=13, train_dataloader__drop_last=True), 'do'),
        (dict(model__head__refiner=None), "'regressor' trains 'refiner', which the"),
    ],
)
def test_config_that_contradicts_itself(tiny, tmp_path, changes, message):
    with pytest.raises(UserError, match=message) as error:
        tiny.train(tmp_path, **changes)
    assert '\n' not in str(error.value)


def test_resuming_in_another_schedule_is_refused(tiny, run, tmp_path):
    _, _, work_dir = run
    changes = dict(resume=True, load_from=str(work_dir / 'epoch_3.pth'))
    config = tiny.config(tmp_path)
    with pytest.raises(UserError, match="epoch 1 of stage 'regressor'"):
        tiny.train(tmp_path, stages=config.stages[1:], **changes)
    longer = copy.deepcopy(config.stages)
    longer[0].epochs = 3
    with pytest.raises(UserError, match='resume with the same stages'):
        tiny.train(tmp_path, stages=longer, **changes)
    bare = safe_load(work_dir / 'epoch_3.pth')
    del bare['optimizer']
    torch.save(bare, tmp_path / 'best.pth')
    changes['load_from'] = str(tmp_path / 'best.pth')
    with pytest.raises(UserError, match='cannot be resumed'):
        tiny.train(tmp_path, **changes)
