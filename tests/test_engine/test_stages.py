import pytest

from phr_mmpose.engine.stages import StageSchedule, config_stages
from phr_mmpose.utils.errors import UserError

STAGES = [
    dict(
        name='detector',
        trains=['detector'],
        epochs=50,
        lr=1e-3,
        param_scheduler=[dict(type='ExponentialLR', gamma=0.9)],
    ),
    dict(name='refiner', trains=['refiner'], epochs=40, lr=1e-4),
    dict(name='joint', trains=['detector', 'refiner'], epochs=50, lr=2.5e-5),
]


def stage_with(**changes):
    entry = dict(name='a', trains=['detector'], epochs=2, lr=0.1) | changes
    return StageSchedule([entry]).stages[0]


def test_epochs_belong_to_stages():
    schedule = StageSchedule(STAGES)
    assert len(schedule) == 3
    assert schedule.epochs == 140
    assert [(s.first_epoch, s.last_epoch) for s in schedule.stages] == [
        (0, 49),
        (50, 89),
        (90, 139),
    ]
    names = [schedule.stage_at(epoch).name for epoch in (0, 49, 50, 89, 90, 139)]
    assert names == ['detector'] * 2 + ['refiner'] * 2 + ['joint'] * 2
    with pytest.raises(IndexError):
        schedule.stage_at(140)


def test_one_scheduler_needs_no_list():
    one = dict(type='PolyLR')
    assert stage_with(param_scheduler=one).param_scheduler == (one,)
    assert stage_with().param_scheduler == ()


def test_stages_are_the_hooks_argument():
    hook = dict(type='StagedTrainingHook', stages=STAGES)
    assert config_stages(dict(default_hooks=dict(param_scheduler=hook))) == STAGES
    assert config_stages(dict(default_hooks=dict(), stages=STAGES)) is None
    assert config_stages(dict()) is None


@pytest.mark.parametrize(
    'changes,named',
    [
        (dict(trains=[]), 'trains'),
        (dict(trains='detector'), 'trains'),
        (dict(trains=[1]), 'trains'),
        (dict(epochs=0), 'epochs'),
        (dict(epochs=1.5), 'epochs'),
        (dict(epochs=True), 'epochs'),
        (dict(name='a/b'), 'a/b'),
        (dict(lr=0), 'lr must be a positive number'),
        (dict(lr=float('nan')), 'lr must be a positive number'),
        (dict(lr='1e-3'), 'lr must be a positive number'),
        (dict(lr=float('inf')), 'lr must be a positive number'),
        (dict(lr=10**400), 'lr must be a positive number'),
        # As versions before 0.2 had it.
        (dict(lr=[(0, 0.1)]), 'param_scheduler=[dict(type='),
        (dict(lr=dict(policy='cosine', start=1, end=1)), 'param_scheduler=[dict(type='),
        (dict(param_scheduler=[3]), 'param_scheduler'),
        (dict(param_scheduler='CosineAnnealingLR'), 'param_scheduler'),
        (dict(param_scheduler=dict(gamma=1)), 'param_scheduler'),
        (dict(extra=1), "'extra'"),
    ],
)
def test_impossible_stages_say_so_in_one_line(changes, named):
    with pytest.raises(UserError) as error:
        stage_with(**changes)
    assert named in str(error.value)
    assert '\n' not in str(error.value) and len(str(error.value)) < 400


@pytest.mark.parametrize('stages', [[], None, 'detector', [1], dict(name='a')])
def test_stages_must_be_a_list_of_dicts(stages):
    with pytest.raises(UserError, match='config: stage'):
        StageSchedule(stages)


def test_names_are_unique():
    with pytest.raises(UserError, match="two stages are named 'joint'"):
        StageSchedule([STAGES[2], STAGES[2]])
