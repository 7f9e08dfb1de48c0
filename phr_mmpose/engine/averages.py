"""Averages of the weights (MMEngine's ``EMAHook``) in training by stages."""

import math

from mmengine.dist import all_reduce_params
from mmengine.hooks import EMAHook
from mmengine.model import ExponentialMovingAverage
from mmengine.runner import Runner

from phr_mmpose.engine.stages import StageSchedule

# Worth a warning: a larger share of a stage's first weights in the average at its end.
_LARGEST_SHARE = 0.1


def warn_of_slow_average(
    runner: Runner, hook: EMAHook, schedule: StageSchedule
) -> None:
    """Say where the average still holds much of a stage's first weights at its end.

    Args:
        runner (Runner): The runner, whose log takes the warning.
        hook (EMAHook): Its hook, with a model to average.
        schedule (StageSchedule): The stages.
    """
    average, per_epoch = hook.ema_model, len(runner.train_dataloader)
    if type(average) is not ExponentialMovingAverage:
        return  # others forget the first weights in other ways
    begin = max(hook.begin_iter - 1, (hook.begin_epoch - 1) * per_epoch)
    updates = {}
    for stage in schedule.stages:
        first = max(stage.first_epoch * per_epoch, begin)
        count = (stage.last_epoch + 1) * per_epoch - first
        if count > 0:
            updates[stage.name] = count / average.interval
    if not updates:
        return
    name, count = min(updates.items(), key=lambda item: item[1])
    share = (1 - average.momentum) ** count
    if share > _LARGEST_SHARE:
        enough = 1 - _LARGEST_SHARE ** (1 / count)
        # Rounded up, to two digits.
        digit = 10.0 ** (math.floor(math.log10(enough)) - 1)
        runner.logger.warning(
            f'EMAHook with momentum={average.momentum:g}: the average at the end of '
            f'stage {name!r} is {share:.0%} the weights of its first iteration; '
            f'momentum={math.ceil(enough / digit) * digit:.2g} would do'
        )


def take_average(hook: EMAHook) -> None:
    """Give the model its averaged weights, and start the average again.

    Args:
        hook (EMAHook): The hook, at a stage's end.
    """
    model, average = hook.src_model, hook.ema_model
    if average.update_buffers:
        model.load_state_dict(average.module.state_dict())
        all_reduce_params(model.buffers(), op='mean')
    else:
        weights = dict(average.module.named_parameters())
        model.load_state_dict({**model.state_dict(), **weights})
    # The average's own buffers are those of one process, even where SyncBuffersHook
    # has made the model's the same on all.
    average.module.load_state_dict(model.state_dict())
    average.steps.zero_()
