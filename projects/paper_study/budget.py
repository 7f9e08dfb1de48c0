"""Fitting a config's stages into a budget of images."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from phr_mmpose.engine.epoch_counts import move_epochs
from phr_mmpose.engine.stages import StageSchedule, config_stages
from phr_mmpose.utils.errors import UserError

CHECKPOINTS = 10


def fit_stages(
    stages: Sequence[Mapping[str, Any]], images: int, batch_size: int, samples: int
) -> tuple[list[dict], int]:
    """Stretch or shrink a schedule to a number of images, its proportions kept.

    The epochs stay as many as they are; their length changes (see
    ``ShortEpochSampler``). What schedulers count in iterations, such as a warm-up,
    changes with it.

    Args:
        stages (Sequence[Mapping]): The config's stages.
        images (int): Images that the run is to see, each as often as it comes.
        batch_size (int): Images of one iteration.
        samples (int): Size of the training set.

    Returns:
        tuple[list[dict], int]: The fitted stages, and the images of one epoch, a
        multiple of ``batch_size``.

    Raises:
        UserError: If there are fewer images than one batch for each epoch.
    """
    schedule = StageSchedule(stages)
    if images < batch_size * schedule.epochs:
        raise UserError(
            f'a budget of {images} images is less than a batch of {batch_size} for '
            f'each of {schedule.epochs} epochs; give more'
        )
    iterations = max(1, round(images / schedule.epochs / batch_size))
    factor = iterations / -(-samples // batch_size)
    fitted = [
        dict(
            copy.deepcopy(dict(entry)),
            param_scheduler=[
                each
                if each.get('by_epoch', True)
                else _stretch(each, factor, stage.epochs * iterations)
                for each in stage.param_scheduler
            ],
        )
        for entry, stage in zip(stages, schedule.stages, strict=True)
    ]
    return fitted, iterations * batch_size


def merge_epochs(stages: Sequence[Mapping[str, Any]], share: float) -> list[dict]:
    """Make fewer epochs of a schedule, its proportions kept.

    Args:
        stages (Sequence[Mapping]): The config's stages.
        share (float): How many of the epochs are to be left, from 0 to 1.

    Returns:
        list[dict]: The stages, each of one epoch at least. What schedulers count, in
        epochs or in iterations, is less by as much.
    """
    merged = []
    for entry, stage in zip(stages, StageSchedule(stages).stages, strict=True):
        epochs = max(1, int(share * stage.epochs))
        schedulers = [
            # Only fit_stages knows how many iterations a stage has.
            _stretch(each, epochs / stage.epochs, None)
            for each in stage.param_scheduler
        ]
        entry = copy.deepcopy(dict(entry))
        merged.append(dict(entry, epochs=epochs, param_scheduler=schedulers))
    return merged


def _stretch(scheduler: Mapping[str, Any], factor: float, most: int | None) -> dict:
    """Scale what a scheduler counts, within the iterations of its stage if given."""
    scheduler = dict(scheduler)
    # MMEngine's LinearLR arrives only if it has two iterations.
    least = 1 if scheduler.get('by_epoch', True) else 2
    for key in ('begin', 'end', 'T_max', 'step_size', 'total_steps'):
        if scheduler.get(key):
            scheduler[key] = max(least, round(scheduler[key] * factor))
    if 'milestones' in scheduler:
        scheduler['milestones'] = [round(m * factor) for m in scheduler['milestones']]
    if 'begin' in scheduler and most is not None:
        # What follows a warm-up has an iteration left.
        scheduler['begin'] = min(scheduler['begin'], most - 1)
    return scheduler


def use_short_epochs(
    config: Config, stages: Sequence[dict], length: int, samples: int
) -> None:
    """Put fitted stages into a config, in place.

    What counts epochs follows them, and an average of the weights reaches back over
    the same share of the training.

    Args:
        config (Config): The config, with the stages that it had.
        stages (Sequence[dict]): From :func:`fit_stages`.
        length (int): Images of one epoch.
        samples (int): Size of the training set.
    """
    before = {s.name: s.epochs for s in StageSchedule(config_stages(config)).stages}
    epochs = {stage['name']: stage['epochs'] for stage in stages}
    sampler = config.train_dataloader.get('sampler') or {}
    images = sampler.get('length', samples) * sum(before[name] for name in epochs)
    _shorten_averages(config, images / (length * sum(epochs.values())))
    move_epochs(config, epochs)
    config.default_hooks.param_scheduler.stages = list(stages)
    config.train_cfg.max_epochs = sum(epochs.values())
    # A variable of that name says what trained before.
    config.pop('stages', None)
    config.train_dataloader.sampler = dict(type='ShortEpochSampler', length=length)
    config.default_hooks.checkpoint.update(
        interval=-(-StageSchedule(stages).epochs // CHECKPOINTS), max_keep_ckpts=1
    )


def _shorten_averages(config: Config, factor: float) -> None:
    """Fit averages of the weights to a training that is shorter by a factor."""
    for hook in config.get('custom_hooks') or ():
        kind = hook.get('ema_type', 'ExponentialMovingAverage')
        if (hook.type, kind) == ('EMAHook', 'ExponentialMovingAverage'):
            hook.momentum = 1 - (1 - hook.get('momentum', 0.0002)) ** factor
