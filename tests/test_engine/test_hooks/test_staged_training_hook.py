import copy

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from phr_mmpose.engine.stages import config_stages
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.errors import UserError

ONE = [dict(name='a', trains=['detector'], epochs=6, lr=1e-2)]


class Watch(Hook):
    """Note what each iteration did, and the weights at each epoch's end."""

    def __init__(self):
        self.rates, self.calls, self.graphs, self.weights = [], [], [], []
        self.seeds, self.outputs = [], []

    def before_train(self, runner):
        model = runner.model
        self.called = set()
        for name, modules in model.subnetworks().items():
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
        self.seeds.append(torch.initial_seed())

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        self.outputs.append(runner.model.test_cfg.get('output'))

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
    # Three iterations an epoch; a warm-up over the first of them.
    rates = [5e-3, 7.5e-3, 1e-2] + [1e-3] * 3
    rates += [1e-2] * 3 + [1e-3] * 9
    assert len(watch.rates) == 18
    for seen, rate in zip(watch.rates, rates, strict=True):
        assert seen == pytest.approx([0.1 * rate, rate])


def test_torch_draws_other_numbers_in_each_epoch(run):
    _, watch, _ = run
    # Six epochs of three iterations.
    epochs = [set(watch.seeds[start : start + 3]) for start in range(0, 18, 3)]
    assert all(len(seeds) == 1 for seeds in epochs)
    assert len(set.union(*epochs)) == 6


def test_validation_scores_what_has_been_trained(run):
    runner, watch, _ = run
    # One batch after each stage; without "output" it is the last subnetwork's.
    assert watch.outputs == ['detector', None, None]
    assert 'output' not in runner.model.test_cfg


def test_the_detector_s_best_score_is_none_of_the_refiner_s(tiny, tmp_path):
    class Best(Hook):
        """Note whether there is a best score in each iteration."""

        known = ()

        def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
            info = runner.message_hub.runtime_info
            self.known += (any(key.startswith('best_score') for key in info),)

    best = Best()
    parts = dict(
        detector=['detector'], refiner=['refiner'], joint=['detector', 'refiner']
    )
    tiny.train(
        tmp_path,
        hooks=[best],
        stages=[
            dict(name=name, trains=trains, epochs=1, lr=1e-2)
            for name, trains in parts.items()
        ],
        default_hooks__checkpoint__save_best='mpii/Total',
        default_hooks__checkpoint__rule='greater',
        train_cfg__val_interval=1,
    )
    # Epochs of three iterations, each followed by validation; the refiner's score
    # counts in the joint stage too.
    assert best.known == (False,) * 3 + (False,) * 3 + (True,) * 3


def test_each_stage_leaves_a_checkpoint(run):
    runner, watch, work_dir = run
    reached = [(2, 6), (4, 12), (6, 18)]
    for index, name in enumerate(('detector', 'refiner', 'joint')):
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
        "Stage 2 of 3, 'refiner', begins: epochs 3 to 4, trains refiner (27,192 of "
        '221,960 parameters), learning rate 0.01 times 0.1, 1 by parameter group, '
        'MultiStepLR'
    ) in log
    # A loss that is not computed any more is not logged any more.
    assert 'loss_detector' in log.split('Stage 2 of 3')[0]
    assert 'loss_detector' not in log.split('Stage 2 of 3')[1].split('Stage 3 of 3')[0]
    # Validation scores what has been trained.
    assert log.count('scoring the detector') == 1


@pytest.mark.parametrize('hooks', [[], [dict(type='EMAHook', momentum=0.3)]])
def test_starting_at_a_stage_equals_going_through(tiny, tmp_path, hooks):
    stages = [
        dict(name='refiner', trains=['refiner'], epochs=1, lr=1e-2),
        dict(name='joint', trains=['detector', 'refiner'], epochs=1, lr=1e-3),
    ]
    changes = dict(
        tiny.no_validation,
        # Epochs count from a run's beginning, and with them order and augmentation.
        train_dataloader__sampler__shuffle=False,
        train_dataloader__dataset__pipeline=tiny.config(tmp_path).val_pipeline,
        custom_hooks=hooks,
    )
    through = tiny.train(tmp_path / 'through', stages=stages, **changes)
    alone = tiny.train(
        tmp_path / 'alone',
        stages=stages[1:],
        load_from=str(tmp_path / 'through' / 'stage_refiner.pth'),
        **changes,
    )
    expected = tiny.losses(tmp_path / 'through')
    found = tiny.losses(tmp_path / 'alone')
    assert [found[step] for step in (1, 2, 3)] == [expected[step] for step in (4, 5, 6)]
    assert not changed(through.model.state_dict(), alone.model.state_dict(), '')
    ends = [
        safe_load(tmp_path / run / 'stage_joint.pth')['state_dict']
        for run in ('through', 'alone')
    ]
    assert not changed(*ends, '')


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
            dict(name='refiner', trains=['refiner'], epochs=2, lr=1e-2),
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


def test_a_variable_that_differs_from_what_trains(tiny, tmp_path):
    # As a config before 0.2 would set it, over the hook's own stages of the base.
    config = tiny.config(tmp_path)
    config.stages = ONE
    with pytest.raises(UserError, match='variable stages differs'):
        Runner.from_cfg(config).train()
    config.stages[0]['lr'] = dict(policy='cosine', start=1e-3, end=1e-4)
    with pytest.raises(UserError, match='lr is one number since'):
        Runner.from_cfg(config).train()


def test_without_stages_all_trains_together_by_mmengines_own_hook(tiny, tmp_path):
    watch = Watch()
    runner = tiny.train(
        tmp_path,
        hooks=[watch],
        default_hooks__param_scheduler=dict(_delete_=True, type='ParamSchedulerHook'),
        param_scheduler=[dict(type='MultiStepLR', milestones=[1], gamma=0.1)],
        train_cfg__max_epochs=2,
        train_cfg__val_interval=2,
    )
    together = {('detector', True), ('refiner', True)}
    assert all(calls == together for calls in watch.calls)
    assert (
        watch.rates
        == [pytest.approx([1e-4, 1e-3])] * 3 + [pytest.approx([1e-5, 1e-4])] * 3
    )
    assert changed(watch.weights[0], runner.model.state_dict(), 'backbone')
    assert changed(watch.weights[0], runner.model.state_dict(), 'head.refiner')
    assert not list(tmp_path.glob('stage_*.pth'))


def test_sub_modules_train_by_name(tiny, tmp_path):
    watch = Watch()
    tiny.train(
        tmp_path,
        hooks=[watch],
        model__backbone__frozen_stages=1,
        stages=[
            dict(name='top', trains=['backbone.layer4'], epochs=1, lr=1e-2),
            dict(name='rest', trains=['backbone', 'head.refiner'], epochs=1, lr=1e-2),
        ],
        **tiny.no_validation,
    )
    first, second, third = watch.weights
    top = changed(first, second, '')
    assert top and all(key.startswith('backbone.layer4.') for key in top)
    rest = {'.'.join(key.split('.')[:2]) for key in changed(second, third, '')}
    # The backbone's own frozen_stages holds its stem and first stage.
    layers = {f'backbone.layer{number}' for number in (2, 3, 4)}
    assert rest == {*layers, 'head.refiner'}
    # Losses of what trains: the detector's alone, then both.
    assert {'loss_detector'} == {
        key for values in tiny.losses(tmp_path)[1] for key in values if '_' in key
    }


def test_a_stage_without_anything_to_train(tiny, tmp_path):
    stages = [dict(name='a', trains=['backbone.layer1'], epochs=1, lr=1e-2)]
    with pytest.raises(UserError, match="'a' has nothing to train"):
        tiny.train(tmp_path, stages=stages, model__backbone__frozen_stages=2)


def test_resuming_in_another_schedule_is_refused(tiny, run, tmp_path):
    _, _, work_dir = run
    changes = dict(resume=True, load_from=str(work_dir / 'epoch_3.pth'))
    config = tiny.config(tmp_path)
    with pytest.raises(UserError, match="epoch 1 of stage 'refiner'"):
        tiny.train(tmp_path, stages=config_stages(config)[1:], **changes)
    longer = copy.deepcopy(config_stages(config))
    longer[0].epochs = 3
    with pytest.raises(UserError, match='resume with the same stages'):
        tiny.train(tmp_path, stages=longer, **changes)
    other = copy.deepcopy(config_stages(config))
    other[1].param_scheduler = []
    with pytest.raises(UserError, match='holds 1 parameter schedulers'):
        tiny.train(tmp_path, stages=other, **changes)
    bare = safe_load(work_dir / 'epoch_3.pth')
    del bare['optimizer']
    torch.save(bare, tmp_path / 'best.pth')
    changes['load_from'] = str(tmp_path / 'best.pth')
    with pytest.raises(UserError, match='cannot be resumed'):
        tiny.train(tmp_path, **changes)


def test_a_checkpoint_of_yesterday_resumes_at_a_border_only(tiny, run, tmp_path):
    _, _, work_dir = run
    for epoch in (3, 4):
        # Before 0.2 the rate was a function of the progress: no schedulers.
        checkpoint = safe_load(work_dir / f'epoch_{epoch}.pth')
        del checkpoint['param_schedulers']
        torch.save(checkpoint, tmp_path / f'epoch_{epoch}.pth')
    changes = dict(resume=True, **tiny.no_validation)
    with pytest.raises(UserError, match='resume at the end of a stage'):
        tiny.train(tmp_path, load_from=str(tmp_path / 'epoch_3.pth'), **changes)
    resumed = tiny.train(tmp_path, load_from=str(tmp_path / 'epoch_4.pth'), **changes)
    whole = safe_load(work_dir / 'stage_joint.pth')['state_dict']
    assert not changed(whole, resumed.model.state_dict(), '')


def test_a_run_that_has_trained_can_test(tiny, tmp_path):
    stages = [dict(name='refiner', trains=['refiner'], epochs=1, lr=1e-2)]
    runner = tiny.train(tmp_path, stages=stages, **tiny.no_validation)
    assert np.isfinite(list(runner.test().values())).any()


def test_hidden_joints_that_a_converter_makes_visible_are_told_of(tiny, tmp_path):
    class Stop(Exception):
        pass

    class StopBeforeTraining(Hook):
        def before_train_epoch(self, runner):
            raise Stop

    pipeline = list(tiny.config(tmp_path).train_pipeline)
    same = [(index, index) for index in range(16)]
    converter = dict(type='KeypointConverter', num_keypoints=16, mapping=same)
    with pytest.raises(Stop):
        tiny.train(
            tmp_path,
            hooks=[StopBeforeTraining()],
            train_dataloader__dataset__pipeline=[converter, *pipeline],
            **tiny.no_validation,
        )
    log = next(tmp_path.glob('*/*.log')).read_text()
    assert log.count('Use VisibilityKeypointConverter') == 1
