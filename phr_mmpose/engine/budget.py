"""Fitting a config's stages into a budget of images or of training time."""

import copy
import itertools
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.config import Config
from mmengine.runner import Runner

from phr_mmpose.engine.freezing import Freezing
from phr_mmpose.engine.pretrained import forget_pretrained
from phr_mmpose.engine.stages import StageSchedule, config_stages
from phr_mmpose.utils.errors import UserError

_CHECKPOINTS = 10
_ITERATIONS = 4


def check_budget(minutes: float | None, images: int | None) -> None:
    """Refuse budgets of nothing.

    Args:
        minutes (float | None): Of training, if that is the budget.
        images (int | None): In training, if that is the budget.

    Raises:
        UserError: If the one that is given is not positive.
    """
    if minutes is not None and not (math.isfinite(minutes) and minutes > 0):
        raise UserError(f'--minutes {minutes:g}: give a positive number')
    if images is not None and images < 1:
        raise UserError(f'--images {images}: give a positive number')


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


def images_in(
    seconds: float, stages: Sequence[Mapping[str, Any]], costs: Sequence[float]
) -> int:
    """Tell how many images a budget of time pays for.

    Args:
        seconds (float): The budget.
        stages (Sequence[Mapping]): The config's stages; their epochs are
            the shares of the images.
        costs (Sequence[float]): Seconds of one image in each stage.

    Returns:
        int: Images of all stages together.
    """
    schedule = StageSchedule(stages)
    mean = sum(
        stage.epochs / schedule.epochs * cost
        for stage, cost in zip(schedule.stages, costs, strict=True)
    )
    return int(seconds / mean)


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
        interval=max(1, StageSchedule(stages).epochs // _CHECKPOINTS), max_keep_ckpts=1
    )


class TrainingProbe:
    """A config's training, set up to be looked at before it is run.

    Use it as a context manager. Weights are random, also where the config
    names pretrained ones: they cost the same.

    Args:
        config (Config): The config; it is not changed.
    """

    def __init__(self, config: Config) -> None:
        self._config = copy.deepcopy(config)
        self._folder = tempfile.TemporaryDirectory(prefix='probe_')

    def __enter__(self) -> 'TrainingProbe':
        config = self._config
        forget_pretrained(config.model)
        config.work_dir = self._folder.name
        config.log_level = 'ERROR'
        config.val_cfg = config.val_dataloader = config.val_evaluator = None
        config.test_cfg = config.test_dataloader = config.test_evaluator = None
        # Loading in this process, so that its time is seen.
        config.train_dataloader.update(num_workers=0, persistent_workers=False)
        config.train_dataloader.pop('prefetch_factor', None)
        try:
            self._runner = Runner.from_cfg(config)
            self._loader = self._runner.build_dataloader(
                config.train_dataloader, seed=self._runner.seed
            )
        except BaseException:
            self._folder.cleanup()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self._folder.cleanup()

    @property
    def samples(self) -> int:
        """int: Size of the training set."""
        return len(self._loader.dataset)

    @property
    def batch_size(self) -> int:
        """int: Images of one iteration."""
        return self._loader.batch_size

    def costs(self, seconds: float = 0.0) -> list[float]:
        """Measure each stage: loading, augmentation, both passes, the update.

        Without a GPU it is the CPU time of all threads, with one wall time.
        What is drawn or read only once has been so before the measurement.

        Args:
            seconds (float): How long to measure, in rounds of some iterations
                of every stage, one round at least. The fastest iteration
                counts: other work on the machine only ever makes them slower.

        Returns:
            list[float]: Seconds of one image in each stage.
        """
        runner, model = self._runner, self._runner.model
        optimizer = runner.build_optim_wrapper(runner.optim_wrapper)
        iterations = min(_ITERATIONS, len(self._loader))
        for data in itertools.islice(self._loader, iterations):
            warm = data
        stages = StageSchedule(config_stages(self._config)).stages
        freezing = Freezing(model)
        times = [[] for _ in stages]
        begin = time.perf_counter()
        while not times[-1] or time.perf_counter() - begin < seconds:
            for stage, found in zip(stages, times, strict=True):
                model.train()
                freezing.train_only(stage.trains)
                if not found:
                    model.train_step(warm, optimizer)
                batches = iter(self._loader)
                for _ in range(iterations):
                    with _timed(found.append):
                        model.train_step(next(batches), optimizer)
        return [min(found) / self.batch_size for found in times]


@contextmanager
def _timed(note: Callable[[float], None]):
    """Time a block by the clock that fits the device."""
    on_gpu = torch.cuda.is_available()
    clock = time.perf_counter if on_gpu else time.process_time
    if on_gpu:
        torch.cuda.synchronize()
    begin = clock()
    yield
    if on_gpu:
        torch.cuda.synchronize()
    note(clock() - begin)
