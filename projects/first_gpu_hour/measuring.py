"""How fast a machine trains a config, found out by doing all of it for a moment."""

import copy
import gc
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from benchmarks.measure import synchronise
from phr_mmpose.engine.pretrained import forget_pretrained
from phr_mmpose.engine.stages import config_stages
from projects.first_gpu_hour.running import (
    DEVICE,
    PeakMemory,
    build_runner,
    end_workers,
    evaluate,
)

# Iterations of each stage that are timed, and that come before them to load kernels.
TIMED, UNTIMED = (16, 8) if DEVICE == 'cuda' else (2, 1)


@dataclass
class Speed:
    """What a machine does with a config.

    Args:
        samples (int): Size of the training set.
        stages (dict[str, float]): Seconds of an iteration by stage.
        loader (float): Seconds in which the loader makes a batch.
        saving (float): Seconds to save a checkpoint.
        evaluation (float): Seconds to evaluate the test set once.
        memory (float): Most memory held, in 10^9 bytes.
        first (float): Seconds in which each epoch waits for its first batch. Defaults
            to 0.
    """

    samples: int
    stages: dict[str, float]
    loader: float
    saving: float
    evaluation: float
    memory: float
    first: float = 0.0

    def seconds(self, stage: str) -> float:
        """Seconds of a stage's iteration in a long run.

        The first batches were made in advance, so that the loader may be slower.
        """
        return max(self.stages[stage], self.loader)

    def describe(self, batch_size: int) -> str:
        """Say what was measured and what is the limit, in some lines."""
        lines = [
            f'{name}: {seconds:.3g} s an iteration, the limit is the '
            + ('loader' if self.loader > 0.9 * seconds else DEVICE.upper())
            for name, seconds in self.stages.items()
        ]
        return '\n'.join(
            [
                *lines,
                f'loader: {batch_size / self.loader:,.0f} persons a second, '
                f'{self.loader:.3g} s a batch',
                f'memory: {self.memory:.3g} GB; a checkpoint: {self.saving:.2g} s; '
                f'an evaluation: {self.evaluation:.0f} s',
            ]
        )


class _Clock(Hook):
    """Note the time at the bounds of what is timed."""

    def __init__(self, untimed: int) -> None:
        self.untimed = untimed
        self.train: list[float] = []
        self.test: list[float] = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        if batch_idx + 1 in (self.untimed, self.untimed + TIMED):
            synchronise(DEVICE)
            self.train.append(time.monotonic())

    def after_test_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        self.test.append(time.monotonic())


def measure(config: Config, folder: Path) -> Speed:
    """Train each stage, save and load a checkpoint, evaluate a few persons.

    Args:
        config (Config): The config, as it is to be trained.
        folder (Path): Where there is room for a checkpoint; left as it was.

    Returns:
        Speed: What was measured.
    """
    config = copy.deepcopy(config)
    config.load_from, config.resume = None, False
    forget_pretrained(config.model)
    stages = [
        dict(stage, epochs=1, param_scheduler=[]) for stage in config_stages(config)
    ]
    config.default_hooks.param_scheduler.stages = stages
    config.train_cfg.max_epochs = len(stages)
    loader = config.train_dataloader
    workers = loader.num_workers
    untimed, made = UNTIMED, 0
    if DEVICE == 'cuda' and workers:
        # Workers that have nothing to do leave the cores to the training: the timed
        # iterations come after the batches that were made in advance, one by each
        # worker, and before the last ones.
        loader.prefetch_factor, made = 1, workers
        untimed = max(untimed, made)
    loader.sampler = dict(
        type='ShortEpochSampler', length=(untimed + TIMED + made) * loader.batch_size
    )
    # Nothing else writes its checkpoints here.
    config.default_hooks.checkpoint.update(interval=len(stages) + 1, save_last=False)
    clock, memory = _Clock(untimed), PeakMemory()
    with tempfile.TemporaryDirectory(dir=folder, prefix='check_') as scratch:
        runner = build_runner(config, scratch)
        runner.register_hook(clock)
        runner.register_hook(memory)
        batch = _time_loader(config)
        runner.train()
        begun = time.monotonic()
        # The run is over: the count of its epochs goes no further.
        runner.save_checkpoint(scratch, 'check.pth', by_epoch=False)
        saving = time.monotonic() - begun
        samples = len(runner.train_dataloader.dataset)
        # Its loader's workers and its memory are not needed any more.
        end_workers(runner.train_loop)
        del runner
        gc.collect()
        evaluation = _time_evaluation(config, Path(scratch, 'check.pth'), clock)
    pairs = zip(clock.train[::2], clock.train[1::2], strict=True)
    seconds = [(end - start) / TIMED for start, end in pairs]
    names = [stage['name'] for stage in stages]
    return Speed(
        samples=samples,
        stages=dict(zip(names, seconds, strict=True)),
        loader=batch,
        saving=saving,
        evaluation=evaluation,
        memory=memory.peak,
        # One worker makes it alone.
        first=batch * workers,
    )


def _time_loader(config: Config) -> float:
    """Seconds of a batch, while nobody trains and all workers are busy."""
    loader = copy.deepcopy(config.train_dataloader)
    # All workers begin at once, so that their first batches come at once.
    round_ = max(1, loader.num_workers)
    loader.sampler.length = 3 * round_ * loader.batch_size
    built = Runner.build_dataloader(loader, seed=0)
    ends = [time.monotonic() for _ in built]
    return _mean_step(ends[round_ - 1 :])


def _time_evaluation(config: Config, checkpoint: Path, clock: _Clock) -> float:
    """Seconds of an evaluation, from that of two batches."""
    few = copy.deepcopy(config)
    batch_size = few.test_dataloader.batch_size
    few.test_dataloader.dataset.indices = 2 * batch_size
    begun = time.monotonic()
    evaluate(few, checkpoint, hooks=[clock])
    elapsed = time.monotonic() - begun
    loader = Runner.build_dataloader(copy.deepcopy(config.test_dataloader), seed=0)
    left = max(0, len(loader) - len(clock.test))
    return elapsed + left * _mean_step(clock.test)


def _mean_step(ends: Sequence[float]) -> float:
    return (ends[-1] - ends[0]) / (len(ends) - 1) if len(ends) > 1 else 0.0
