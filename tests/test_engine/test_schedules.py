"""The rate of every iteration, against values computed by hand."""

import math
from pathlib import Path

import pytest
from mmengine.config import Config
from toy import run_toy

from phr_mmpose.engine.stages import config_stages
from phr_mmpose.utils.errors import UserError

CONFIGS = Path(__file__).resolve().parents[2] / 'configs'
SGD = dict(optimizer=dict(type='SGD', lr=0.5))


def warmup(iteration, iterations, start):
    """LinearLR: evenly from ``start`` to 1 in its last iteration."""
    return min(1, start + (1 - start) * iteration / (iterations - 1))


def paper(iteration, epoch, stage, _):
    shape = dict(
        detector=1e-3 * 0.025 ** (epoch / 49),
        refiner=1e-4 if epoch < 20 else 2.5e-5,
        joint=2.5e-5,
    )
    return shape[stage] * warmup(iteration, 200, 1e-3)


def vgg(iteration, epoch, stage, _):
    shape = dict(
        detector=1e-8 * 0.1 ** (epoch / 19),
        refiner=1e-8 if epoch < 10 else 1e-9,
        joint=1e-9,
    )
    return shape[stage] * warmup(iteration, 200, 1e-3)


def cosine(rows):
    """Half a wave from the warm-up's end, its last step just before the minimum."""

    def rate(iteration, epoch, stage, total):
        lr, begin, ratio = rows[stage]
        wave = (1 + math.cos(math.pi * max(0, iteration - begin) / (total - begin))) / 2
        return lr * (ratio + (1 - ratio) * wave) * warmup(iteration, begin, 0.01)

    return rate


def newell(iteration, epoch, *_):
    """Dropped to a fifth once."""
    return 2.5e-4 * (1 if epoch < 80 else 0.2) * warmup(iteration, 200, 1e-3)


def lite(iteration, epoch, stage, total):
    """Constant after the warm-up, and half a wave in the last stage."""
    if stage == 'finish':
        return cosine(dict(finish=(1e-3, 200, 1e-3)))(iteration, epoch, stage, total)
    lr = 2e-3 if stage == 'refiner' else 1e-3
    return lr * warmup(iteration, 200, 0.01)


def lite2(iteration, epoch, stage, total):
    """The same at twice the rate, the half wave in the joint stage."""
    if stage == 'joint':
        return cosine(dict(joint=(2e-3, 200, 1e-3)))(iteration, epoch, stage, total)
    return 2e-3 * warmup(iteration, 200, 0.01)


# Config, iterations of an epoch, and the rate by iteration and epoch of a stage.
SHIPPED = {
    'phr_res152_mpii': (3, paper),
    'phr_res152_lsp': (9, paper),
    'phr_res152_lsp_lspet': (60, paper),
    'phr_vgg16_mpii': (11, vgg),
    'phr_vgg16_lsp': (25, vgg),
    'phr_lite_lsp': (30, lite),
    'phr_lite2_lsp': (20, lite2),
    'hourglass8_mpii': (3, newell),
    'hourglass_tiny_lsp': (40, cosine(dict(detector=(2e-3, 200, 1e-3)))),
    'phr_tiny_lsp': (
        40,
        cosine(
            dict(
                detector=(2e-3, 200, 0.1),
                refiner=(2e-3, 100, 0.1),
                joint=(1e-3, 100, 1e-3),
            )
        ),
    ),
    'phr_tiny_figures': (
        60,
        cosine(
            dict(
                detector=(2e-3, 100, 0.25),
                refiner=(2e-3, 50, 0.5),
                joint=(1e-3, 50, 1e-3),
            )
        ),
    ),
    'phr_res50_lsp': (
        12,
        cosine(
            dict(
                detector=(1e-3, 200, 0.1),
                refiner=(1e-3, 100, 0.1),
                joint=(3e-4, 100, 1 / 300),
            )
        ),
    ),
}


def expected(stages, per_epoch, rate):
    return [
        rate(i, i // per_epoch, stage['name'], stage['epochs'] * per_epoch)
        for stage in stages
        for i in range(stage['epochs'] * per_epoch)
    ]


@pytest.mark.parametrize('scaled', [False, True])
@pytest.mark.parametrize('name', SHIPPED)
def test_shipped_schedules(name, scaled, tmp_path):
    per_epoch, rate = SHIPPED[name]
    config = Config.fromfile(CONFIGS / f'{name}.py')
    stages = config_stages(config)
    optim_wrapper = dict(config.optim_wrapper, type='OptimWrapper')
    changes = {}
    if scaled:
        # Groups with multipliers, and twice the batch that the rates are for.
        keys = {'head.refiner': dict(lr_mult=1e3), 'backbone': dict(lr_mult=0.1)}
        optim_wrapper['paramwise_cfg'] = dict(custom_keys=keys)
        changes['auto_scale_lr'] = dict(enable=True, base_batch_size=1)
    elif 'paramwise_cfg' not in optim_wrapper:
        changes['auto_scale_lr'] = dict(enable=False, base_batch_size=1)
    _, record = run_toy(tmp_path, stages, optim_wrapper, per_epoch, **changes)
    rates = expected(stages, per_epoch, rate)
    assert len(record.rates) == len(rates) == config.train_cfg.max_epochs * per_epoch
    if scaled:
        multipliers = [0.2, 2, 2e3]
    else:
        multipliers = [1, 1, 1e3] if 'vgg' in name else [1]
    for found, rate in zip(record.rates, rates, strict=True):
        assert found == pytest.approx([rate * each for each in multipliers], rel=1e-6)


def test_every_shipped_schedule_is_tested():
    shipped = {path.stem for path in CONFIGS.glob('*.py')}
    # Those that train by another's schedule.
    shipped -= {'phr_hrnet_w32_mpii', 'phr_mobilenetv2_mpii'}
    assert shipped == set(SHIPPED)


def test_begin_and_end_count_from_the_stage(tmp_path):
    drop = dict(type='MultiStepLR', milestones=[1], gamma=0.1)
    stages = [
        dict(name='a', trains=['detector'], epochs=2, lr=1.0, param_scheduler=drop),
        dict(
            name='b',
            trains=['refiner'],
            epochs=3,
            lr=2.0,
            # To its own stage's end, since it names none.
            param_scheduler=[dict(type='LinearLR', start_factor=0.5, end_factor=0.1)],
        ),
        dict(
            name='c',
            trains=['refiner'],
            epochs=2,
            lr=3.0,
            param_scheduler=[
                dict(type='ConstantLR', factor=0.5, by_epoch=False, begin=1, end=3)
            ],
        ),
    ]
    _, record = run_toy(tmp_path, stages, SGD)
    rates = [rate for (rate,) in record.rates]
    assert rates == pytest.approx(
        [1, 1, 0.1, 0.1, 1, 1, 0.6, 0.6, 0.2, 0.2, 3, 1.5, 3, 3]
    )


def test_a_stage_starts_from_the_optimizer_as_it_was_built(tmp_path):
    momentum = dict(type='LinearMomentum', start_factor=0.5, by_epoch=False, end=3)
    stages = [
        dict(name='a', trains=['detector'], epochs=2, lr=1, param_scheduler=momentum),
        dict(name='b', trains=['refiner'], epochs=1, lr=1),
    ]
    optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.5, momentum=0.9))
    runner, record = run_toy(tmp_path, stages, optim_wrapper)
    (group,) = runner.optim_wrapper.optimizer.param_groups
    assert group['momentum'] == 0.9
    assert not [key for key in group if key.startswith('initial_')]
    # The refiner's first step is a plain one: no momentum of another stage.
    before, after = record.weights[4][2], record.weights[5][2]
    assert before - after == pytest.approx(1)


def steps(record, weight, iterations):
    weights = [each[weight] for each in record.weights]
    return [abs(weights[i + 1] - weights[i]) for i in iterations]


def test_a_warmup_keeps_rmsprops_first_steps_short(tmp_path):
    config = Config.fromfile(CONFIGS / 'phr_res152_mpii.py')
    optim_wrapper = dict(config.optim_wrapper)
    stages = [dict(stage, epochs=130) for stage in config_stages(config)]
    _, record = run_toy(tmp_path / 'gentle', stages, optim_wrapper)
    # Weights count from 1: a step can be read to some parts in a million only.
    for number, stage in enumerate(stages):
        first = 260 * number
        weight = 2 if stage['trains'] == ['refiner'] else 0
        found = steps(record, weight, range(first, first + 260))
        # The first is 1 / sqrt(1 - 0.99) of a thousandth of the rate.
        assert found[0] == pytest.approx(0.01 * stage['lr'], abs=3e-7)
        assert max(found) < 1.1 * stage['lr'] + 3e-7

    for stage in stages:
        stage['param_scheduler'] = []
    _, record = run_toy(tmp_path / 'rough', stages, optim_wrapper)
    for number, weight in enumerate((0, 2, 0)):
        (first,) = steps(record, weight, [260 * number])
        assert first == pytest.approx(10 * stages[number]['lr'], rel=1e-2)


def test_what_cannot_be_scheduled_is_known_at_once(tmp_path):
    late = dict(type='CosineAnnealingLR', by_epoch=False, begin=100)
    stages = [
        dict(name='a', trains=['detector'], epochs=1, lr=1),
        dict(name='b', trains=['refiner'], epochs=3, lr=1, param_scheduler=late),
    ]
    with pytest.raises(UserError, match=r"'b': CosineAnnealingLR .* 3 epochs of 2"):
        run_toy(tmp_path, stages, SGD)
    # MMEngine's would stay at its first factor for good.
    short = dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=1)
    stages[1]['param_scheduler'] = short
    with pytest.raises(UserError, match=r"'b': LinearLR .* two steps"):
        run_toy(tmp_path, stages, SGD)
    stages[1]['param_scheduler'] = dict(type='CosineLR')
    with pytest.raises(UserError, match="stage 'b': CosineLR cannot be built"):
        run_toy(tmp_path, stages, SGD)
    assert not list(tmp_path.glob('**/*.pth'))
