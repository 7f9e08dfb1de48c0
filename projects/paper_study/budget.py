"""Fitting a config's stages into a budget of images."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mmengine.config import Config

from phr_mmpose.engine.stages import StageSchedule
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
                _stretch(each, factor, stage.epochs * iterations)
                for each in stage.param_scheduler
            ],
        )
        for entry, stage in zip(stages, schedule.stages, strict=True)
    ]
    return fitted, iterations * batch_size


def _stretch(scheduler: Mapping[str, Any], factor: float, iterations: int) -> dict:
    """Scale what a scheduler counts in iterations, within those of its stage."""
    scheduler = dict(scheduler)
    if scheduler.get('by_epoch', True):
        return scheduler
    for key in ('begin', 'end', 'T_max', 'step_size', 'total_steps'):
        if scheduler.get(key):
            # MMEngine's LinearLR arrives only if it has two iterations.
            scheduler[key] = max(2, round(scheduler[key] * factor))
    if 'milestones' in scheduler:
        scheduler['milestones'] = [round(m * factor) for m in scheduler['milestones']]
    if 'begin' in scheduler:
        # What follows a warm-up has an iteration left.
        scheduler['begin'] = min(scheduler['begin'], iterations - 1)
    return scheduler


def use_short_epochs(config: Config, stages: Sequence[dict], length: int) -> None:
    """Put fitted stages into a config, in place.

    Args:
        config (Config): The config.
        stages (Sequence[dict]): From :func:`fit_stages`.
        length (int): Images of one epoch.
    """
    config.default_hooks.param_scheduler.stages = list(stages)
    # A variable of that name says what trained before.
    config.pop('stages', None)
    config.train_dataloader.sampler = dict(type='ShortEpochSampler', length=length)
    config.default_hooks.checkpoint.update(
        interval=-(-StageSchedule(stages).epochs // CHECKPOINTS), max_keep_ckpts=1
    )
