"""What happens at the borders of the stages, and the rate within them."""

import numpy as np
import torch
from mmengine.dist import get_rank, is_main_process
from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from torch import nn

from phr_mmpose.datasets.transforms.seed_augmentation import run_clock
from phr_mmpose.engine.atomic_backend import remove_torn_checkpoints
from phr_mmpose.engine.stages import Stage, StageSchedule
from phr_mmpose.models.parts import DETECTOR, REFINER
from phr_mmpose.models.pose_estimators import CascadePoseEstimator
from phr_mmpose.utils.errors import UserError


@HOOKS.register_module()
class StagedTrainingHook(Hook):
    """Train the parts of the cascade in stages (paper, section 3).

    The stages are the config's ``stages`` list, see
    :class:`phr_mmpose.engine.stages.StageSchedule`; ``param_scheduler`` stays
    unset.

    - At the beginning of a stage, its parts train and the others are frozen,
      and the optimizer begins afresh: a run that starts at a stage from
      another run's checkpoint equals one that went through.
    - Each iteration's rate is a function of the progress alone, times the
      multiplier of the parameter group (``paramwise_cfg``).
    - The end of a stage leaves ``stage_<name>.pth`` in the work directory.
    - While no refiner has been trained, validation scores the detector.
    - A resumed run continues as if it had not stopped: what is random follows
      from the run's seed and the epoch. A checkpoint of another schedule is
      refused.

    With gradient accumulation, every epoch ends with an optimizer step, so that
    no gradient is missing in a checkpoint.
    """

    # After the hooks that change weights at an epoch's end (EMAHook,
    # SyncBuffersHook), before CheckpointHook: once an epoch's checkpoint is
    # there to resume from, the stage's is, too.
    priority = 'LOW'

    def __init__(self) -> None:
        self._schedule: StageSchedule | None = None
        self._stage: Stage | None = None
        self._multipliers: list[float] = []
        self._new_loss_scaler: dict | None = None
        self._test_cfg: dict | None = None

    def before_run(self, runner: Runner) -> None:
        """Note the optimizer as it was built, before a checkpoint is resumed.

        Args:
            runner (Runner): The runner.

        Raises:
            UserError: If the config contradicts the stages.
        """
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, OptimWrapper):
            return  # validation or test alone
        self._schedule = StageSchedule(runner.cfg.get('stages'))
        self._stage = None
        _check_config(runner, self._schedule)
        base = wrapper.optimizer.defaults['lr']
        self._multipliers = [group['lr'] / base for group in wrapper.param_groups]
        scaler = getattr(wrapper, 'loss_scaler', None)
        self._new_loss_scaler = scaler.state_dict() if scaler is not None else None

    def before_train(self, runner: Runner) -> None:
        """Hand the seed, perhaps a resumed one, to the sampler.

        Args:
            runner (Runner): The runner, its checkpoint loaded.
        """
        if is_main_process():
            remove_torn_checkpoints(runner.work_dir)
        loader = runner.train_dataloader
        for sampler in (loader.sampler, getattr(loader.batch_sampler, 'sampler', None)):
            if hasattr(sampler, 'seed'):
                sampler.seed = _common_seed(runner)

    def before_train_epoch(self, runner: Runner) -> None:
        """Begin an epoch, and perhaps a stage.

        Args:
            runner (Runner): The runner.
        """
        stage = self._schedule.stage_at(runner.epoch)
        wrapper = runner.optim_wrapper
        _estimator(runner).set_trained(stage.trains)
        wrapper.zero_grad()
        if runner.epoch == stage.first_epoch:
            self._begin_afresh(runner, stage)
        if stage != self._stage:
            self._stage = stage
            self._announce(runner)
        # The stand-in model: only to be searched for batch norms, for a warning
        # that the runner has given already.
        wrapper.initialize_count_status(nn.Identity(), 0, len(runner.train_dataloader))
        seed = _common_seed(runner)
        run_clock().set(seed, runner.epoch)
        # Dropout and the like, and the loader's draw of its workers' seeds.
        sequence = np.random.SeedSequence([seed, runner.epoch, get_rank()])
        torch.manual_seed(int(sequence.generate_state(1)[0]))
        self._set_rate(runner, batch_idx=0)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None, outputs=None
    ) -> None:
        """Set the rate of the iteration to come, in time for the log.

        Args:
            runner (Runner): The runner.
            batch_idx (int): The iteration of the epoch that has ended, from 0.
            data_batch: Not used.
            outputs: Not used.
        """
        if batch_idx + 1 < len(runner.train_dataloader):
            self._set_rate(runner, batch_idx + 1)

    def after_train_epoch(self, runner: Runner) -> None:
        """Save the stage's checkpoint after its last epoch.

        Args:
            runner (Runner): The runner.
        """
        stage = self._stage
        if runner.epoch != stage.last_epoch:
            return
        filename = f'stage_{stage.name}.pth'
        runner.logger.info(f'Stage {stage.name!r} ends; saving {filename}')
        runner.save_checkpoint(
            runner.work_dir,
            filename,
            save_param_scheduler=False,
            meta=dict(epoch=runner.epoch + 1, iter=runner.iter),
        )

    def before_val_epoch(self, runner: Runner) -> None:
        """Have the detector scored while the refiner is untrained.

        Args:
            runner (Runner): The runner.
        """
        estimator = _estimator(runner)
        if (
            self._stage is None
            or REFINER not in estimator.parts()
            or self._refiner_trained_by(self._stage)
        ):
            return
        self._test_cfg = estimator.test_cfg
        estimator.test_cfg = {**self._test_cfg, 'output': DETECTOR}
        runner.logger.info('No refiner is trained yet: scoring the detector')

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Undo :meth:`before_val_epoch`.

        Args:
            runner (Runner): The runner.
            metrics (dict, optional): Not used.
        """
        if self._test_cfg is not None:
            _estimator(runner).test_cfg, self._test_cfg = self._test_cfg, None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write into the checkpoint where in the schedule it was made.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The checkpoint.
        """
        if self._schedule is not None:
            checkpoint['meta']['stage'] = self._position(checkpoint['meta']['epoch'])

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Refuse to resume in a schedule that the checkpoint does not fit.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The checkpoint.

        Raises:
            UserError: If the schedule has another stage there, or is over.
        """
        if not runner._resume or self._schedule is None:
            return
        meta = checkpoint.get('meta', {})
        if 'optimizer' not in checkpoint or 'stage' not in meta:
            raise UserError(
                f'{runner._load_from or runner.work_dir}: a checkpoint without the '
                'state of a staged run cannot be resumed; start from its weights '
                'with --load-from'
            )
        made = meta['stage']
        if meta['epoch'] > self._schedule.epochs or made != self._position(
            meta['epoch']
        ):
            raise UserError(
                f'the checkpoint was made after epoch {made["epoch"]} of stage '
                f'{made["name"]!r}, training {" and ".join(made["trains"])}; this '
                f'schedule ({", ".join(self._schedule.names)}) has no such place at '
                f'epoch {meta["epoch"]}: resume with the same stages, or start '
                'from its weights with --load-from'
            )

    def _position(self, epochs_done: int) -> dict:
        """Describe a place in the schedule: the stage and the epochs done of it."""
        stage = self._schedule.stage_at(max(epochs_done - 1, 0))
        return dict(
            name=stage.name,
            trains=list(stage.trains),
            epoch=epochs_done - stage.first_epoch,
        )

    def _begin_afresh(self, runner: Runner, stage: Stage) -> None:
        wrapper = runner.optim_wrapper
        wrapper.optimizer.state.clear()
        if self._new_loss_scaler is not None:
            wrapper.loss_scaler.load_state_dict(self._new_loss_scaler)
        # Losses of parts that trained before would stay in the log as they were.
        for key in list(runner.message_hub.log_scalars):
            if key.startswith('train/loss'):
                runner.message_hub.log_scalars.pop(key)
        if stage.number > 1 and REFINER in stage.trains:
            before = self._schedule.stages[stage.number - 2]
            if not self._refiner_trained_by(before):
                # From here on validation scores the refiner: another contest.
                for key in list(runner.message_hub.runtime_info):
                    if key.startswith('best_score'):
                        runner.message_hub.pop_info(key)

    def _refiner_trained_by(self, stage: Stage) -> bool:
        stages = self._schedule.stages[: stage.number]
        return any(REFINER in each.trains for each in stages)

    def _announce(self, runner: Runner) -> None:
        stage = self._stage
        done = runner.epoch - stage.first_epoch
        verb = 'begins' if done == 0 else f'continues after epoch {done}'
        model = _estimator(runner)
        trained = _count(p for p in model.parameters() if p.requires_grad)
        multipliers = sorted(set(self._multipliers))
        groups = ''
        if multipliers != [1.0]:
            listed = ', '.join(f'{multiplier:g}' for multiplier in multipliers)
            groups = f', times {listed} by parameter group'
        runner.logger.info(
            f'Stage {stage.number} of {len(self._schedule)}, {stage.name!r}, {verb}: '
            f'epochs {stage.first_epoch + 1} to {stage.last_epoch + 1}, trains '
            f'{" and ".join(stage.trains)} ({trained:,} of '
            f'{_count(model.parameters()):,} parameters), learning rate '
            f'{stage.rate}{groups}'
        )

    def _set_rate(self, runner: Runner, batch_idx: int) -> None:
        per_epoch = len(runner.train_dataloader)
        iteration = (runner.epoch - self._stage.first_epoch) * per_epoch + batch_idx
        rate = self._stage.lr(iteration, per_epoch)
        groups = runner.optim_wrapper.param_groups
        for group, multiplier in zip(groups, self._multipliers, strict=True):
            group['lr'] = rate * multiplier


def _estimator(runner: Runner) -> CascadePoseEstimator:
    model = runner.model
    return model.module if is_model_wrapper(model) else model


def _count(parameters) -> int:
    return sum(parameter.numel() for parameter in parameters)


def _common_seed(runner: Runner) -> int:
    """Return the run's seed, the same on every rank."""
    if runner._randomness_cfg.get('diff_rank_seed', False):
        return runner.seed - get_rank()
    return runner.seed


def _check_config(runner: Runner, schedule: StageSchedule) -> None:
    if runner.param_schedulers:
        raise UserError(
            'config: the rates are in stages; remove param_scheduler (set it to None)'
        )
    if runner.max_epochs != schedule.epochs:
        raise UserError(
            f'config: train_cfg runs {runner.max_epochs} epochs, stages say '
            f"{schedule.epochs}; use train_cfg = dict(type='StagedTrainLoop')"
        )
    if not runner.optim_wrapper.optimizer.defaults.get('lr'):
        raise UserError(
            'config: optim_wrapper.optimizer.lr must be positive: it is what the '
            "parameter groups' multipliers refer to"
        )
    present = _estimator(runner).parts()
    for stage in schedule.stages:
        for part in stage.trains:
            if part not in present:
                raise UserError(
                    f'config: stage {stage.name!r} trains {part!r}, which the model '
                    f'lacks (model.head.{part} is None): leave the stage out'
                )
    model = runner.model
    # Frozen parts take no part in the backward pass.
    if is_model_wrapper(model) and not getattr(model, 'find_unused_parameters', True):
        raise UserError(
            'config: staged training on several processes needs '
            'find_unused_parameters = True'
        )
