import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr_mmpose.engine.stages import StageSchedule, select_stages
from phr_mmpose.utils.errors import UserError

# The paper's schedule for the residual network.
PAPER = [
    dict(
        name='detector',
        trains=['detector'],
        epochs=50,
        lr=dict(policy='exponential', start=1e-3, end=2.5e-5),
    ),
    dict(name='regressor', trains=['refiner'], epochs=40, lr=[(0, 1e-4), (20, 2.5e-5)]),
    dict(name='joint', trains=['detector', 'refiner'], epochs=50, lr=2.5e-5),
]


def stage_with(**changes):
    entry = dict(name='a', trains=['detector'], epochs=2, lr=0.1) | changes
    return StageSchedule([entry]).stages[0]


def test_paper_schedule():
    schedule = StageSchedule(PAPER)
    assert len(schedule) == 3
    assert schedule.epochs == 140
    assert [(s.first_epoch, s.last_epoch) for s in schedule.stages] == [
        (0, 49),
        (50, 89),
        (90, 139),
    ]
    names = [schedule.stage_at(epoch).name for epoch in (0, 49, 50, 89, 90, 139)]
    assert names == ['detector'] * 2 + ['regressor'] * 2 + ['joint'] * 2
    with pytest.raises(IndexError):
        schedule.stage_at(140)
    detector, regressor, joint = schedule.stages
    assert detector.lr(0, 10) == 1e-3
    assert detector.lr(499, 10) == pytest.approx(2.5e-5, rel=1e-12)
    assert regressor.lr(199, 10) == 1e-4
    assert regressor.lr(200, 10) == 2.5e-5
    assert {joint.lr(i, 10) for i in range(500)} == {2.5e-5}


@pytest.mark.parametrize(
    'policy,rates',
    [
        ('exponential', [1.0, 0.1, 0.01]),
        ('linear', [1.0, 0.505, 0.01]),
        ('cosine', [1.0, 0.505, 0.01]),
    ],
)
def test_curves(policy, rates):
    stage = stage_with(epochs=3, lr=dict(policy=policy, start=1.0, end=0.01))
    assert [stage.lr(i, 1) for i in range(3)] == pytest.approx(rates)


def test_cosine_is_half_a_wave():
    stage = stage_with(epochs=7, lr=dict(policy='cosine', start=1.0, end=0.5))
    expected = [0.75 + 0.25 * math.cos(math.pi * i / 6) for i in range(7)]
    assert [stage.lr(i, 1) for i in range(7)] == pytest.approx(expected)
    assert stage.lr(2, 1) == pytest.approx(0.875)


def test_warmup_climbs_evenly_and_the_curve_follows():
    curve = dict(policy='linear', start=0.8, end=0.4, warmup=3)
    stage = stage_with(epochs=1, lr=curve)
    assert [stage.lr(i, 6) for i in range(6)] == pytest.approx(
        [0.2, 0.4, 0.6, 0.8, 0.6, 0.4]
    )


def test_stage_of_one_iteration():
    stage = stage_with(epochs=1, lr=dict(policy='cosine', start=0.3, end=0.1))
    assert stage.lr(0, 1) == 0.3


@given(
    policy=st.sampled_from(['exponential', 'linear', 'cosine']),
    start=st.floats(1e-6, 1),
    end=st.floats(1e-6, 1),
    epochs=st.integers(1, 9),
    per_epoch=st.integers(1, 9),
)
def test_curves_stay_between_their_ends_and_are_monotone(
    policy, start, end, epochs, per_epoch
):
    lr = dict(policy=policy, start=start, end=end)
    stage = stage_with(epochs=epochs, lr=lr)
    rates = [stage.lr(i, per_epoch) for i in range(epochs * per_epoch)]
    slack = 1e-9 * max(start, end)
    assert rates[0] == pytest.approx(start)
    assert min(start, end) - slack <= min(rates)
    assert max(rates) <= max(start, end) + slack
    direction = 1 if end >= start else -1
    assert all(direction * (b - a) >= -slack for a, b in pairwise(rates))


@pytest.mark.parametrize(
    'changes,message',
    [
        (dict(trains=['head']), "trains 'head'; the parts are"),
        (dict(trains=[]), 'trains must be a list'),
        (dict(trains='detector'), 'trains must be a list'),
        (dict(epochs=0), 'epochs must be 1 or more'),
        (dict(epochs=1.5), 'epochs must be 1 or more'),
        (dict(epochs=True), 'epochs must be 1 or more'),
        (dict(name='a/b'), 'letters, digits'),
        (dict(lr=0), 'lr must be a positive number'),
        (dict(lr=float('nan')), 'lr must be a positive number'),
        (dict(lr='1e-3'), 'lr must be a positive number'),
        (dict(lr=[]), 'lr must be a positive number'),
        (dict(lr=[(1, 0.1)]), 'begin with epoch 0'),
        (dict(lr=[(0, 0.1), (5, 0.1), (5, 0.2)]), 'begin with epoch 0'),
        (dict(lr=[(0, 0.1, 2)]), 'each step of lr is'),
        (dict(lr=[0.1]), 'each step of lr is'),
        (dict(lr=dict(policy='step', start=1, end=1)), 'lr policy must be'),
        (dict(lr=dict(policy='linear', start=1)), 'lr needs a positive end'),
        (dict(lr=dict(policy='linear', start=-1, end=1)), 'a positive start'),
        (dict(lr=dict(policy='linear', start=1, end=1, power=2)), "option 'power'"),
        (
            dict(lr=dict(policy='linear', start=1, end=1, warmup=-1)),
            'counts iterations',
        ),
        (dict(extra=1), 'must be dict(name='),
    ],
)
def test_impossible_stages_say_so_in_one_line(changes, message):
    with pytest.raises(UserError) as error:
        stage_with(**changes)
    assert message in str(error.value)
    assert '\n' not in str(error.value)


@pytest.mark.parametrize('stages', [[], None, 'detector', [1], dict(name='a')])
def test_stages_must_be_a_list_of_dicts(stages):
    with pytest.raises(UserError, match='config: stage'):
        StageSchedule(stages)


def test_names_are_unique():
    with pytest.raises(UserError, match="two stages are named 'joint'"):
        StageSchedule([PAPER[2], PAPER[2]])


def test_rates_read_well_in_the_log():
    rates = [str(stage.rate) for stage in StageSchedule(PAPER).stages]
    assert rates == [
        '0.001 to 2.5e-05 (exponential)',
        '0.0001, 2.5e-05 from epoch 21',
        '2.5e-05',
    ]


def test_select_keeps_the_order_of_the_config():
    assert select_stages(PAPER, ['joint', 'regressor']) == PAPER[1:]
    with pytest.raises(UserError, match="no stage 'refiner' in the config"):
        select_stages(PAPER, ['refiner'])
