"""A progress bar for each stage."""

import time
from contextlib import ExitStack

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from phr_mmpose.engine.stages import StageSchedule


@HOOKS.register_module()
class ProgressHook(Hook):
    """Show one line per stage: iterations done, time left, the loss.

    It goes to stderr, below the log's lines. Where stderr is no terminal it is
    refreshed every ten seconds only.
    """

    priority = 'VERY_LOW'

    def __init__(self) -> None:
        self._bar: tqdm | None = None
        self._stage = None
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
        """Begin a bar with each stage.

        Args:
            runner (Runner): The runner.
        """
        if not is_main_process():
            return
        schedule = StageSchedule(runner.cfg.get('stages'))
        stage = schedule.stage_at(runner.epoch)
        if stage == self._stage:
            return
        self._stage = stage
        per_epoch = len(runner.train_dataloader)
        self._bar = tqdm(
            desc=f'stage {stage.number}/{len(schedule)} {stage.name}',
            total=stage.epochs * per_epoch,
            initial=(runner.epoch - stage.first_epoch) * per_epoch,
            unit='it',
            dynamic_ncols=True,
        )
        if not self._bar.fp.isatty():
            self._bar.mininterval = 10

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Move the bar on.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Not used.
            data_batch: Not used.
            outputs (dict): The losses of this iteration.
        """
        bar = self._bar
        if bar is None:
            return
        # The loss is read only when it is shown: on a GPU that waits for the step.
        if bar.n + 1 == bar.total or time.time() - bar.last_print_t >= bar.mininterval:
            bar.set_postfix(loss=f'{outputs["loss"].item():.4g}', refresh=False)
        bar.update()

    def after_train_epoch(self, runner: Runner) -> None:
        """Close the bar at its stage's end.

        Args:
            runner (Runner): The runner.
        """
        if self._bar is not None and runner.epoch == self._stage.last_epoch:
            self._bar.close()
            self._bar = None

    def after_train(self, runner: Runner) -> None:
        """Give the log back.

        Args:
            runner (Runner): The runner.
        """
        self._log_above.close()
