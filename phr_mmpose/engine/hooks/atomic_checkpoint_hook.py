"""Checkpoints that survive a kill at any moment."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from mmpose.registry import HOOKS

from phr_mmpose.engine.atomic_backend import remove_torn_checkpoints
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path

_NOTE = 'last_checkpoint'


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """MMEngine's ``CheckpointHook``, safe from a kill at any moment.

    MMEngine removes an old checkpoint before the new one is there, and empties
    ``last_checkpoint`` before it writes the new name. Here the new checkpoint is
    written first, then ``last_checkpoint``; only then is the old one removed. Each file
    appears whole or not at all. So ``last_checkpoint`` always names a checkpoint that
    loads, and the best checkpoint is never missing.

    A kill just before a removal leaves one checkpoint too many.

    Args:
        *args: As for ``CheckpointHook``.
        backend_args (dict, optional): Of MMEngine's file backend. Defaults to
            ``dict(backend='atomic')`` for a folder of this machine.
        **kwargs: As for ``CheckpointHook``.
    """

    def __init__(self, *args, backend_args: dict | None = None, **kwargs) -> None:
        if backend_args is None and '://' not in str(kwargs.get('out_dir')):
            backend_args = dict(backend='atomic')
        super().__init__(*args, backend_args=backend_args, **kwargs)

    def before_train(self, runner: Runner) -> None:
        """Tidy up after a killed run, and find the folder to save to.

        Args:
            runner (Runner): The runner.

        Raises:
            UserError: If ``save_best`` lacks the prefix that metrics have.
        """
        super().before_train(runner)
        if self.save_best is not None:
            _check_prefix(runner, self.key_indicators)
        if is_main_process():
            for folder in {str(self.out_dir), runner.work_dir}:
                remove_torn_checkpoints(folder)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Save a checkpoint if one is due, counted in iterations.

        Args:
            runner (Runner): The runner.
            batch_idx (int): Number of the batch in its epoch.
            data_batch: Not used.
            outputs: Not used.
        """
        if self.by_epoch or not (
            self.every_n_train_iters(runner, self.interval, self.save_begin)
            or self.is_last_train_iter(runner)
        ):
            return
        with self._in_order(runner) as stand_in:
            super().after_train_iter(stand_in, batch_idx, data_batch, outputs)

    def after_train_epoch(self, runner: Runner) -> None:
        """Save a checkpoint if one is due, counted in epochs.

        Args:
            runner (Runner): The runner.
        """
        with self._in_order(runner) as stand_in:
            super().after_train_epoch(stand_in)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Save the checkpoint again if it is the best.

        Args:
            runner (Runner): The runner.
            metrics (dict, optional): Scores by name.
        """
        with self._in_order(runner) as stand_in:
            super().after_val_epoch(stand_in, metrics or {})

    @contextmanager
    def _in_order(self, runner: Runner) -> Iterator['_StandIn']:
        """Delay ``last_checkpoint`` and the removals until the checkpoint is written.

        Args:
            runner (Runner): The runner.

        Yields:
            _StandIn: The runner, for MMEngine's part of the work.
        """
        backend, outdated = self.file_backend, {}

        def save_checkpoint(out_dir: str, filename: str, *args, **kwargs) -> None:
            # A file that is written again is no longer outdated.
            outdated.pop(backend.join_path(out_dir, filename), None)
            runner.save_checkpoint(out_dir, filename, *args, **kwargs)

        with tempfile.TemporaryDirectory() as aside:
            self.file_backend = _StandIn(
                backend,
                remove=lambda path: outdated.update({path: backend.remove}),
                rmtree=lambda path: outdated.update({path: backend.rmtree}),
            )
            try:
                yield _StandIn(runner, work_dir=aside, save_checkpoint=save_checkpoint)
            finally:
                self.file_backend = backend
            note = Path(aside, _NOTE)
            if note.exists():
                with atomic_path(Path(runner.work_dir, _NOTE)) as temporary:
                    temporary.write_text(note.read_text())
        for path, remove in outdated.items():
            remove(path)


def _check_prefix(runner: Runner, keys: list[str]) -> None:
    """Refuse ``save_best`` without a prefix, before a validation looks for it."""
    if runner.val_loop is None:
        return
    prefixes = [metric.prefix for metric in runner.val_loop.evaluator.metrics]
    for key in keys:
        if key != 'auto' and all(prefixes) and '/' not in key:
            raise UserError(
                f'config: save_best={key!r} names no metric; metrics have a prefix: '
                f"write '{prefixes[0]}/{key}'"
            )


class _StandIn:
    """An object's attributes, except for those that are given.

    Args:
        original (object): The object.
        **attributes: What to use instead of its own.
    """

    def __init__(self, original: object, **attributes) -> None:
        self._original = original
        vars(self).update(attributes)

    def __getattr__(self, name: str) -> object:
        return getattr(self._original, name)
