import pytest
from mmengine.config import Config

from phr_mmpose.engine.epoch_counts import move_epochs

LENGTHS = dict(a=2, b=4, c=6)


def moved(epochs, switch):
    stages = [
        dict(name=name, trains=['detector'], epochs=length, lr=1.0)
        for name, length in LENGTHS.items()
    ]
    config = Config(
        dict(
            default_hooks=dict(param_scheduler=dict(stages=stages)),
            custom_hooks=[dict(type='mmdet.PipelineSwitchHook', switch_epoch=switch)],
            train_cfg=dict(val_begin=switch + 1, dynamic_intervals=[(switch + 1, 5)]),
        )
    )
    move_epochs(config, epochs)
    switched = config.custom_hooks[0].switch_epoch
    # These count from 1.
    assert config.train_cfg.val_begin == switched + 1
    assert config.train_cfg.dynamic_intervals == [(switched + 1, 5)]
    return switched


@pytest.mark.parametrize('switch', range(14))
def test_the_same_stages_move_nothing(switch):
    assert moved(LENGTHS, switch) == switch


@pytest.mark.parametrize(
    ('switch', 'epochs', 'place'),
    [
        # In the middle of b.
        (4, dict(a=2, b=2, c=6), 3),
        (4, dict(a=4, b=8, c=12), 8),
        (4, dict(b=4), 2),
        # At the border of two stages, whatever their lengths.
        (6, dict(a=1, b=1, c=9), 2),
        (6, dict(c=6), 0),
        (6, dict(a=1, b=3), 4),
        # One that never switched does not begin to.
        (13, dict(a=1, b=1, c=1), 4),
    ],
)
def test_places_within_the_stages_stay(switch, epochs, place):
    assert moved(epochs, switch) == place
