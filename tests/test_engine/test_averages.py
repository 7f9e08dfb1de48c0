import copy

import pytest
import torch
from mmengine.hooks import Hook

from phr_mmpose.engine.stages import config_stages
from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.config import load_config


class Weights(Hook):
    """Note the first weights, and one of the refiner's after each step."""

    def __init__(self):
        self.weights = []

    def before_train(self, runner):
        self.first = copy.deepcopy(runner.model.state_dict())

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        value = runner.model.state_dict()['head.refiner.tail.0.bias']
        self.weights.append(value.clone())


def test_averaged_weights_are_what_is_saved(tiny, tmp_path):
    average = Weights()
    runner = tiny.train(
        tmp_path,
        hooks=[average],
        custom_hooks=[dict(type='EMAHook', momentum=0.5)],
        stages=[
            dict(name='refiner', trains=['refiner'], epochs=1, lr=1e-2),
        ],
        **tiny.no_validation,
    )
    saved = safe_load(tmp_path / 'stage_refiner.pth')['state_dict']
    # By hand: a(0) = w(0), a(i) = a(i - 1) / 2 + w(i) / 2.
    expected = average.weights[0]
    for weights in average.weights[1:]:
        expected = (expected + weights) / 2
    key = 'head.refiner.tail.0.bias'
    torch.testing.assert_close(saved[key], expected)
    assert not torch.equal(saved[key], average.weights[-1])
    # At the border they become the model's, and the average begins anew.
    weights = runner.model.state_dict()
    torch.testing.assert_close(weights, saved, rtol=0, atol=0)
    still = [name for name in weights if name.startswith('backbone')]
    assert still and all(torch.equal(weights[key], average.first[key]) for key in still)
    (hook,) = (hook for hook in runner.hooks if hasattr(hook, 'ema_model'))
    assert hook.ema_model.steps == 0


@pytest.mark.parametrize(
    ('average', 'told', 'enough'),
    [
        # The tiny epoch has 3 iterations: 0.9 ** 3, from begin_iter on 0.9 ** 2; and
        # 0.46 ** 3, 0.31 ** 2 and 0.1 are just 10% or less.
        (dict(momentum=0.1), "stage 'short' is 73%", 0.54),
        (dict(momentum=0.1, begin_epoch=3), "stage 'short' is 73%", 0.54),
        (dict(momentum=0.1, begin_iter=5), "stage 'long' is 81%", 0.69),
        (dict(momentum=0.1, interval=3), "stage 'short' is 90%", 0.9),
        (dict(momentum=0.6), None, None),
        (dict(momentum=0.1, ema_type='MomentumAnnealingEMA'), None, None),
    ],
)
def test_an_average_too_slow_for_a_stage_is_told_once(
    tiny, tmp_path, average, told, enough
):
    class Stop(Exception):
        pass

    class StopBeforeTraining(Hook):
        def before_train_epoch(self, runner):
            raise Stop

    with pytest.raises(Stop):
        tiny.train(
            tmp_path,
            hooks=[StopBeforeTraining()],
            custom_hooks=[dict(type='EMAHook', **average)],
            stages=[
                dict(name='long', trains=['detector'], epochs=2, lr=1e-2),
                dict(name='short', trains=['refiner'], epochs=1, lr=1e-2),
            ],
            **tiny.no_validation,
        )
    log = next(tmp_path.glob('*/*.log')).read_text()
    warned = [line for line in log.splitlines() if 'first iteration' in line]
    assert len(warned) == (told is not None)
    assert all(told in line and f'momentum={enough} would' in line for line in warned)


@pytest.mark.parametrize('name', ['phr_lite_lsp', 'phr_lite2_lsp'])
def test_the_averages_of_our_configs_forget_their_first_weights(tiny, name):
    config = load_config(tiny.repo / 'configs' / f'{name}.py')
    (average,) = config.custom_hooks
    persons = 2 * 800 + 7091
    per_epoch = -(-persons // config.train_dataloader.batch_size)
    shortest = min(stage.epochs for stage in config_stages(config)) * per_epoch
    assert (1 - average.momentum) ** shortest <= 0.1
