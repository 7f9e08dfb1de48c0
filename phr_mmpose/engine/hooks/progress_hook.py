"""A progress bar for each stage, or for the whole run."""

import time
from contextlib import ExitStack

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from phr_mmpose.engine.hooks.staged_training_hook import StagedTrainingHook


@HOOKS.register_module()
class ProgressHook(Hook):
    """Show one line per stage: iterations done, time left, the loss.

    A run without ``StagedTrainingHook`` has one line.

    It goes to stderr, below the log's lines. If stderr is not a terminal, it is
    refreshed only every ten seconds.
    """

    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._last_epoch = -1
        self._log_above = ExitStack()

    def before_train(self, runner: Runner) -> None:
        """Have the log written above the bar.

        Args:
            runner (Runner): The runner.
        """
        if is_main_process():
            redirection = logging_redirect_tqdm(loggers=[runner.logger])
            self._log_above.enter_context(redirection)

    def before_train_epoch(self, runner: Runner) -> None:
        """Start a bar with each stage.

        Args:
            runner (Runner): The runner.
        """
        if not is_main_process() or self._bar is not None:
            return
        description, total, done, self._last_epoch = _span(runner)
        self._bar = tqdm(
            desc=description,
            total=total,
            initial=done,
            unit='it',
            dynamic_ncols=True,
        )
        if not self._bar.fp.isatty():
            self._bar.mininterval = 10

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Advance the bar.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Not used.
            data_batch: Not used.
            outputs (dict): The losses of this iteration.
        """
        bar = self._bar
        if bar is None:
            return
        # The loss is read only when it is shown: reading it waits for a GPU's step.
        if bar.n + 1 == bar.total or time.time() - bar.last_print_t >= bar.mininterval:
            bar.set_postfix(loss=f'{outputs["loss"].item():.4g}', refresh=False)
        bar.update()

    def after_train_epoch(self, runner: Runner) -> None:
        """Close the bar at its stage's end.

        Args:
            runner (Runner): The runner.
        """
        if self._bar is not None and runner.epoch == self._last_epoch:
            self._bar.close()
            self._bar = None

    def after_train(self, runner: Runner) -> None:
        """Let the log write to its own stream again.

        Args:
            runner (Runner): The runner.
        """
        self._log_above.close()


def _span(runner: Runner) -> tuple[str, int, int, int]:
    """Describe what runs: name, all iterations, those done, last epoch from 0."""
    per_epoch = len(runner.train_dataloader)
    for hook in runner.hooks:
        if isinstance(hook, StagedTrainingHook):
            stage = hook.schedule.stage_at(runner.epoch)
            name = f'stage {stage.number}/{len(hook.schedule)} {stage.name}'
            done = (runner.epoch - stage.first_epoch) * per_epoch
            return name, stage.epochs * per_epoch, done, stage.last_epoch
    return 'training', runner.max_iters, runner.iter, runner.max_epochs - 1
