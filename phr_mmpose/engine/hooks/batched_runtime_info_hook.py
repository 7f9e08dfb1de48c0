"""The losses of many iterations, read at once."""

import torch
from mmengine.hooks import LoggerHook, RuntimeInfoHook
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from torch import Tensor


@HOOKS.register_module()
class BatchedRuntimeInfoHook(RuntimeInfoHook):
    """MMEngine's ``RuntimeInfoHook`` without a copy to the host per iteration.

    The original reads each loss after each step, so the host must wait for the GPU
    before it can prepare the next one. Here the losses stay on their device until the
    run's ``LoggerHook`` wants them, at most until the end of an epoch. The log shows
    the same numbers.
    """

    def __init__(self) -> None:
        self._interval = 0
        self._pending: list[dict[str, Tensor]] = []

    def before_train(self, runner: Runner) -> None:
        """Look up how often the run logs.

        Args:
            runner (Runner): The runner.
        """
        super().before_train(runner)
        loggers = [hook for hook in runner.hooks if isinstance(hook, LoggerHook)]
        self._interval = min((hook.interval for hook in loggers), default=0)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch=None,
        outputs: dict[str, Tensor] | None = None,
    ) -> None:
        """Keep this iteration's losses; pass on all that are kept, if it is time.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Which iteration of the epoch this is, from 0.
            data_batch: Not used.
            outputs (dict[str, Tensor], optional): The losses.
        """
        if outputs is not None:
            # Without the graph that led to them.
            self._pending.append({key: loss.detach() for key, loss in outputs.items()})
        if self.every_n_inner_iters(batch_idx, self._interval) or self.end_of_epoch(
            runner.train_dataloader, batch_idx
        ):
            self._hand_on(runner)

    def _hand_on(self, runner: Runner) -> None:
        values = [value for outputs in self._pending for value in outputs.values()]
        numbers = iter(torch.stack(values).tolist() if values else ())
        for outputs in self._pending:
            for key in outputs:
                runner.message_hub.update_scalar(f'train/{key}', next(numbers))
        self._pending.clear()
