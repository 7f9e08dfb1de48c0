"""One training and its evaluation, by MMEngine's Runner."""

import copy
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import BaseLoop, Runner

from benchmarks.measure import forget_peak, peak_memory
from phr_mmpose.engine.pretrained import forget_pretrained
from phr_mmpose.models.heads.cascade_head import DETECTOR, REFINER
from phr_mmpose.utils.config import building

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'


class PeakMemory(Hook):
    """Note the most memory held; MMEngine's log sets a GPU's count back.

    Attributes:
        peak (float): In 10^9 bytes.
    """

    # Before the log.
    priority = 'NORMAL'

    def __init__(self) -> None:
        self.peak = 0.0

    def before_train(self, runner: Runner) -> None:
        """Forget what was held before."""
        forget_peak(DEVICE)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Look at the memory."""
        self.peak = max(self.peak, peak_memory(DEVICE))


class StopInTime(Hook):
    """Stop a training that is slower than it was expected to be.

    It stops where a checkpoint was just saved, if the next would come too late.

    Args:
        deadline (float): Seconds of ``time.monotonic()``.
        interval (int): Epochs from one checkpoint to the next.
    """

    # After the checkpoint is there.
    priority = 'LOWEST'

    def __init__(self, deadline: float, interval: int) -> None:
        self._deadline = deadline
        self._interval = interval
        self._last = time.monotonic()

    def after_train_epoch(self, runner: Runner) -> None:
        """Look at the clock.

        Args:
            runner (Runner): The runner.
        """
        if not self.every_n_epochs(runner, self._interval):
            return
        now = time.monotonic()
        if 2 * now - self._last > self._deadline:
            runner.train_loop.stop_training = True
        self._last = now


def build_runner(config: Config, folder: str | Path) -> Runner:
    """Build what trains a config without validation.

    Args:
        config (Config): The config.
        folder (str | Path): Its work directory.

    Returns:
        Runner: Ready to train.
    """
    config = _in_folder(config, folder)
    config.val_cfg = config.val_dataloader = config.val_evaluator = None
    config.test_cfg = config.test_dataloader = config.test_evaluator = None
    with building(config.filename):
        return Runner.from_cfg(config)


def end_workers(loop: BaseLoop) -> None:
    """End the workers of a loop's loader.

    A runner is a cycle of references. A loader in it is garbage-collected in an order
    that never tells its workers to stop, and PyTorch waits five seconds for each.

    Args:
        loop (BaseLoop): A loop that is over.
    """
    loop.dataloader = None


def train(config: Config, folder: Path, deadline: float) -> float:
    """Train to the end of the schedule, or as far as the time goes.

    Args:
        config (Config): The config, fitted to the time.
        folder (Path): Its work directory.
        deadline (float): Seconds of ``time.monotonic()``.

    Returns:
        float: Most memory held, in 10^9 bytes.
    """
    runner = build_runner(config, folder)
    runner.register_hook(StopInTime(deadline, config.default_hooks.checkpoint.interval))
    memory = PeakMemory()
    runner.register_hook(memory)
    runner.train()
    end_workers(runner.train_loop)
    return memory.peak


def evaluate(
    config: Config,
    checkpoint: Path,
    output: str = REFINER,
    hooks: Sequence[Hook] = (),
) -> dict[str, float]:
    """Rate a checkpoint on the test set.

    Args:
        config (Config): The config.
        checkpoint (Path): The checkpoint; the log goes into a folder beside it.
        output (str): Whose heatmaps are decoded. Defaults to the refiner's.
        hooks (Sequence[Hook]): More hooks.

    Returns:
        dict[str, float]: The metrics.
    """
    config = _in_folder(config, checkpoint.parent / f'test_{output}')
    config.load_from, config.resume = str(checkpoint), False
    forget_pretrained(config.model)
    config.model.test_cfg = {**(config.model.get('test_cfg') or {}), 'output': output}
    config.train_cfg = config.train_dataloader = config.optim_wrapper = None
    config.val_cfg = config.val_dataloader = config.val_evaluator = None
    runner = Runner.from_cfg(config)
    for hook in hooks:
        runner.register_hook(hook)
    metrics = runner.test()
    end_workers(runner.test_loop)
    return metrics


def evaluate_both(config: Config, checkpoint: Path) -> dict[str, dict[str, float]]:
    """Rate refiner and detector; see :func:`evaluate`."""
    return {
        output: evaluate(config, checkpoint, output) for output in (REFINER, DETECTOR)
    }


def _in_folder(config: Config, folder: str | Path) -> Config:
    """Copy a config for a run in a folder of its own."""
    config = copy.deepcopy(config)
    config.work_dir = str(folder)
    if config.get('visualizer'):
        # One of the same name would be used again, with the folder of a former run.
        config.visualizer.name = config.work_dir
    return config
