from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmengine.config import Config

from phr_mmpose.engine.stages import StageSchedule, config_stages
from phr_mmpose.utils.config import load_config
from phr_mmpose.utils.errors import UserError
from projects.paper_study.budget import (
    CHECKPOINTS,
    fit_stages,
    merge_epochs,
    use_short_epochs,
)

CONFIGS = Path(__file__).resolve().parents[3] / 'configs'


def stage(name, epochs, param_scheduler=()):
    return dict(
        name=name,
        trains=['detector'],
        epochs=epochs,
        lr=1e-3,
        param_scheduler=list(param_scheduler),
    )


def make_config(stages):
    return Config(
        dict(
            default_hooks=dict(param_scheduler=dict(stages=stages), checkpoint={}),
            train_dataloader={},
            train_cfg={},
        )
    )


def test_stages_keep_their_epochs_which_change_their_length():
    schedulers = [
        dict(type='LinearLR', by_epoch=False, end=200),
        dict(type='CosineAnnealingLR', by_epoch=False, begin=200),
        dict(type='MultiStepLR', by_epoch=False, milestones=[300, 900]),
        dict(type='StepLR', step_size=4),
    ]
    stages = [stage('a', 14, schedulers), stage('b', 3), stage('c', 6)]
    fitted, length = fit_stages(stages, images=23_000, batch_size=10, samples=2000)
    # A thousand images an epoch, half of what there are.
    assert length == 1000
    assert [each['epochs'] for each in fitted] == [14, 3, 6]
    assert fitted[0]['param_scheduler'] == [
        dict(type='LinearLR', by_epoch=False, end=100),
        dict(type='CosineAnnealingLR', by_epoch=False, begin=100),
        dict(type='MultiStepLR', by_epoch=False, milestones=[150, 450]),
        dict(type='StepLR', step_size=4),
    ]
    assert schedulers[0]['end'] == 200
    assert [each['trains'] for each in fitted] == [['detector']] * 3


def test_a_warmup_fits_the_shortest_stage():
    schedulers = [
        dict(type='LinearLR', by_epoch=False, end=200),
        dict(type='CosineAnnealingLR', by_epoch=False, begin=200),
    ]
    fitted, length = fit_stages([stage('a', 2, schedulers)], 60, 10, 10_000)
    assert length == 30
    linear, cosine = fitted[0]['param_scheduler']
    # A hundredth of the epochs' length, but two iterations at least.
    assert (linear['end'], cosine['begin']) == (2, 2)
    fitted, length = fit_stages([stage('a', 1, schedulers)], 10, 10, 10_000)
    assert length == 10
    assert fitted[0]['param_scheduler'][1]['begin'] == 0


@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=4),
    st.integers(1, 5000),
    st.integers(1, 50),
)
def test_any_budget_is_met_to_half_a_batch_an_epoch(epochs, batches, batch_size):
    stages = [stage(f's{i}', number) for i, number in enumerate(epochs)]
    images = (batches + sum(epochs)) * batch_size
    fitted, length = fit_stages(stages, images, batch_size, 1000)
    assert length % batch_size == 0
    total = StageSchedule(fitted).epochs
    assert total == sum(epochs)
    assert abs(total * length - images) <= total * batch_size / 2


@pytest.mark.parametrize(
    'epochs, interval', [(1, 1), (10, 1), (11, 2), (19, 2), (21, 3), (100, 10)]
)
def test_no_more_checkpoints_are_saved_than_there_is_time_for(epochs, interval):
    config = make_config([stage('a', epochs)])
    use_short_epochs(config, [stage('a', epochs)], 10, 10)
    assert config.default_hooks.checkpoint.interval == interval
    assert epochs // interval <= CHECKPOINTS


def test_merged_epochs_keep_the_schedule_s_proportions():
    schedulers = [
        dict(type='LinearLR', by_epoch=False, end=200),
        dict(type='CosineAnnealingLR', by_epoch=False, begin=200),
        dict(type='MultiStepLR', milestones=[4, 8]),
    ]
    stages = [stage('a', 8, schedulers), stage('b', 3, schedulers[:1])]
    merged = merge_epochs(stages, 0.5)
    assert [each['epochs'] for each in merged] == [4, 1]
    assert merged[0]['param_scheduler'] == [
        dict(type='LinearLR', by_epoch=False, end=100),
        dict(type='CosineAnnealingLR', by_epoch=False, begin=100),
        dict(type='MultiStepLR', milestones=[2, 4]),
    ]
    assert stages[0]['param_scheduler'] == schedulers
    # Stage a had 8 epochs of 68 iterations, 200 of them to warm up; now it has 4 of 6.
    fitted, length = fit_stages(merged, 30 * 128, 128, 8691)
    assert length == 6 * 128
    assert fitted[0]['param_scheduler'][0]['end'] == round(100 * 6 / 68)


def test_the_schedules_of_the_configs_reach_their_rates_when_epochs_are_merged():
    """A warm-up was longer than its stage: the rate was never reached."""
    config = load_config(CONFIGS / 'phr_lite2_lsp.py')
    merged = merge_epochs(config_stages(config), 0.3)
    fitted, length = fit_stages(merged, 600 * 128, 128, 8691)
    for each in StageSchedule(fitted).stages:
        warm_up = each.param_scheduler[0]
        assert warm_up['type'] == 'LinearLR'
        assert warm_up['end'] <= 0.8 * each.epochs * length / 128


def test_what_counts_epochs_and_averages_follow_the_stages():
    config = make_config([stage('a', 8), stage('b', 12)])
    config.custom_hooks = [
        dict(type='mmdet.PipelineSwitchHook', switch_epoch=8),
        dict(type='EMAHook', momentum=0.01),
        dict(type='EMAHook', ema_type='StochasticWeightAverage'),
    ]
    other = dict(config.custom_hooks[2])
    # From 20 epochs of 400 images to 5 of 160: a tenth.
    fitted, length = fit_stages([stage('a', 2), stage('b', 3)], 800, 10, 400)
    use_short_epochs(config, fitted, length, 400)
    switch, average, last = config.custom_hooks
    assert switch.switch_epoch == 2 and config.train_cfg.max_epochs == 5
    # What was left of the first weights after ten iterations, now after one.
    assert 1 - average.momentum == pytest.approx(0.99**10)
    assert last == other
    # The last stage once more, of twice as many images.
    fitted, length = fit_stages([stage('b', 3)], 960, 10, 400)
    use_short_epochs(config, fitted, length, 400)
    assert switch.switch_epoch == 0 and config.train_cfg.max_epochs == 3
    assert 1 - average.momentum == pytest.approx(0.99**5)


def test_a_batch_an_epoch_is_the_least():
    with pytest.raises(
        UserError, match='20 images is less than a batch of 8 for each of 3 epochs'
    ):
        fit_stages([stage('a', 1), stage('b', 1), stage('c', 1)], 20, 8, 100)
