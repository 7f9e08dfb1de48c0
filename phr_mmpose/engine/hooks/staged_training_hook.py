"""Training in stages, each with its own parameter schedulers."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_rank, is_main_process
from mmengine.hooks import EMAHook, ParamSchedulerHook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.optim.scheduler import LinearParamScheduler
from mmengine.registry import PARAM_SCHEDULERS
from mmengine.runner import Runner
from mmpose.registry import HOOKS
from torch import nn

from phr_mmpose.datasets.transforms.random_transform import run_clock
from phr_mmpose.datasets.transforms.visibility_keypoint_converter import (
    loses_visibility,
)
from phr_mmpose.engine.atomic_backend import remove_torn_checkpoints
from phr_mmpose.engine.averages import take_average, warn_of_slow_average
from phr_mmpose.engine.freezing import Freezing
from phr_mmpose.engine.stage_checks import check_stages
from phr_mmpose.engine.stages import Stage, StageSchedule
from phr_mmpose.models.heads.cascade_head import DETECTOR, REFINER
from phr_mmpose.utils.errors import UserError, first_line


@HOOKS.register_module()
class StagedTrainingHook(ParamSchedulerHook):
    """Train sub-modules in stages, each with its own parameter schedulers.

    The paper (section 3) trains the detector, then the refiner with the detector
    frozen, then both. The hook takes the place of MMEngine's ``ParamSchedulerHook``::

        default_hooks = dict(param_scheduler=dict(type='StagedTrainingHook', stages=[
            dict(name='detector', trains=['detector'], epochs=50, lr=1e-3,
                 param_scheduler=[dict(type='LinearLR', start_factor=1e-3, end=200,
                                       by_epoch=False), ...]),
            ...]))
        train_cfg = dict(by_epoch=True, max_epochs=140)  # of all stages together

    - A stage trains the sub-modules that it names and freezes all others, see
      :class:`phr_mmpose.engine.freezing.Freezing`.
    - A stage starts afresh: the optimizer is as it was built, without state, and each
      group's rate is the stage's ``lr`` times the group's ``lr_mult`` and the ratio of
      ``auto_scale_lr``. So a run that starts at a stage from another run's checkpoint
      has the optimizer and the rates of one that ran all stages; order and random
      transforms follow from the epoch, which such a run counts from 0.
    - ``param_scheduler`` holds the configs of MMEngine's schedulers. ``begin`` and
      ``end`` count from the stage's beginning; ``end`` is by default the stage's.
    - At its end a stage saves ``stage_<name>.pth`` in the work directory. With an
      ``EMAHook`` it holds the averaged weights. The next stage starts from them, and
      the average starts again.
    - While no stage has trained the cascade's refiner, validation scores its
      detector.
    - A run that is resumed at an epoch's end continues as if it had not stopped:
      the sampler, the random transforms of this package and torch's generator
      follow from the run's seed and the epoch. A checkpoint of another schedule
      is refused.

    With gradient accumulation, every epoch ends with an optimizer step, so that no
    gradient is missing in a checkpoint. A checkpoint is written before an epoch's
    validation, so it does not hold what ``ReduceOnPlateauLR`` makes of that validation.

    Args:
        stages (Sequence[dict]): The stages in order, each with

            - ``name`` (str): letters, digits, ``-`` and ``_``;
            - ``trains`` (list[str]): ``'detector'``, ``'refiner'`` or names of
              sub-modules such as ``'backbone.layer4'``;
            - ``epochs`` (int);
            - ``lr`` (float): the rate from which the schedulers start;
            - ``param_scheduler`` (dict | list[dict], optional): without it the
              rate is constant.

    Raises:
        UserError: If the stages are faulty or contradict the config.
    """

    # ParamSchedulerHook's priority, LOW, comes after the hooks that change weights at
    # an epoch's end (EMAHook, SyncBuffersHook) and before CheckpointHook: once there is
    # an epoch's checkpoint to resume from, there is the stage's, too.

    def __init__(self, stages: Sequence[Mapping[str, Any]] | None = None) -> None:
        if stages is None:
            raise UserError(
                'config: the stages are an argument of StagedTrainingHook: write '
                "default_hooks = dict(param_scheduler=dict(type='StagedTrainingHook', "
                'stages=[...])) and take the hook out of custom_hooks'
            )
        self.schedule = StageSchedule(stages)
        self._stage: Stage | None = None
        self._freezing: Freezing | None = None
        self._groups: list[dict] = []
        self._multipliers: list[float] = []
        self._new_loss_scaler: dict | None = None
        self._test_cfg: dict | None = None

    def before_run(self, runner: Runner) -> None:
        """Note model and optimizer as they were built, before anything is loaded.

        Args:
            runner (Runner): The runner.

        Raises:
            UserError: If the config contradicts the stages.
        """
        wrapper = runner.optim_wrapper
        if not isinstance(wrapper, (OptimWrapper, OptimWrapperDict)):
            return  # validation or test alone
        if self._freezing is not None:
            return  # noted before train(); val() and test() after it come here, too
        check_stages(runner, self, self.schedule)
        self._freezing = Freezing(_unwrapped(runner))
        for stage in self.schedule.stages:
            if not self._freezing.parameters(stage.trains):
                raise UserError(
                    f'config: stage {stage.name!r} has nothing to train: all of '
                    f'{" and ".join(stage.trains)} is frozen'
                )
        base = wrapper.optimizer.defaults['lr']
        self._multipliers = [group['lr'] / base for group in wrapper.param_groups]
        self._groups = [
            copy.deepcopy({k: v for k, v in group.items() if k != 'params'})
            for group in wrapper.param_groups
        ]
        for stage in self.schedule.stages:
            # Find out now, not some stages later, what cannot be scheduled.
            self._build_schedulers(runner, stage)
        scaler = getattr(wrapper, 'loss_scaler', None)
        self._new_loss_scaler = scaler.state_dict() if scaler is not None else None

    def before_train(self, runner: Runner) -> None:
        """Hand the seed, perhaps a resumed one, to the sampler; warn of the config.

        Args:
            runner (Runner): The runner, its checkpoint loaded.
        """
        if is_main_process():
            remove_torn_checkpoints(runner.work_dir)
        loader = runner.train_dataloader
        if DETECTOR in self._freezing.subnetworks() and loses_visibility(
            loader.dataset
        ):
            runner.logger.warning(
                'KeypointConverter in the training data drops which joints are hidden: '
                'the detector of visible joints learns every annotated one as visible. '
                'Use VisibilityKeypointConverter'
            )
        for sampler in (loader.sampler, getattr(loader.batch_sampler, 'sampler', None)):
            if hasattr(sampler, 'seed'):
                sampler.seed = _common_seed(runner)
        for hook in runner.hooks:
            if isinstance(hook, EMAHook):
                warn_of_slow_average(runner, hook, self.schedule)

    def before_train_epoch(self, runner: Runner) -> None:
        """Begin an epoch, and perhaps a stage.

        Args:
            runner (Runner): The runner.
        """
        stage = self.schedule.stage_at(runner.epoch)
        wrapper, loader = runner.optim_wrapper, runner.train_dataloader
        self._freezing.train_only(stage.trains)
        wrapper.zero_grad()
        if runner.epoch == stage.first_epoch:
            self._begin_afresh(runner, stage)
        if stage != self._stage:
            self._stage = stage
            self._announce(runner)
        # Gradient accumulation counts from the epoch's beginning. The wrapper looks
        # through the model only to warn of batch norms, which it has done before.
        wrapper.initialize_count_status(nn.Identity(), 0, len(loader))
        seed = _common_seed(runner)
        run_clock().set(seed, runner.epoch, get_rank(), loader.batch_size or 1)
        # Dropout and the like, and the loader's draw of its workers' seeds.
        sequence = np.random.SeedSequence([seed, runner.epoch, get_rank()])
        torch.manual_seed(int(sequence.generate_state(1)[0]))

    def before_train_iter(
        self, runner: Runner, batch_idx: int, data_batch=None
    ) -> None:
        """Freeze again, since the loop has called ``model.train()``.

        Args:
            runner (Runner): Not used.
            batch_idx (int): Not used.
            data_batch: Not used.
        """
        self._freezing.keep_still()

    def after_train_epoch(self, runner: Runner) -> None:
        """Step the schedulers; save the stage's checkpoint after its last epoch.

        Args:
            runner (Runner): The runner.
        """
        super().after_train_epoch(runner)
        stage = self._stage
        if runner.epoch != stage.last_epoch:
            return
        for hook in runner.hooks:
            if isinstance(hook, EMAHook):
                take_average(hook)
        filename = f'stage_{stage.name}.pth'
        runner.logger.info(f'Stage {stage.name!r} ends; saving {filename}')
        runner.save_checkpoint(
            runner.work_dir, filename, backend_args=dict(backend='atomic')
        )

    def after_train(self, runner: Runner) -> None:
        """Let the random transforms draw on their own again.

        Args:
            runner (Runner): Not used.
        """
        run_clock().stop()

    def before_val_epoch(self, runner: Runner) -> None:
        """Have the detector scored while the refiner is untrained.

        Args:
            runner (Runner): The runner.
        """
        if self._stage is None or not self._lacks_refiner(runner, self._stage):
            return
        estimator = _unwrapped(runner)
        self._test_cfg = estimator.test_cfg
        estimator.test_cfg = {**(self._test_cfg or {}), 'output': DETECTOR}
        runner.logger.info('No refiner is trained yet: scoring the detector')

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        """Undo :meth:`before_val_epoch`; step the schedulers that need metrics.

        Args:
            runner (Runner): The runner.
            metrics (dict, optional): The metrics.
        """
        super().after_val_epoch(runner, metrics)
        if self._test_cfg is not None:
            _unwrapped(runner).test_cfg, self._test_cfg = self._test_cfg, None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Write into the checkpoint where in the schedule it was made.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The checkpoint.
        """
        checkpoint['meta']['stage'] = self._position(checkpoint['meta']['epoch'])

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        """Check that a checkpoint to resume fits, and build its stage's schedulers.

        MMEngine loads their states afterwards, into whatever schedulers there are.

        Args:
            runner (Runner): The runner.
            checkpoint (dict): The checkpoint.

        Raises:
            UserError: If the schedule has another stage there, or is over.
        """
        if not runner._resume or self._freezing is None:
            return
        source = runner._load_from or runner.work_dir
        meta = checkpoint.get('meta', {})
        if 'optimizer' not in checkpoint or 'stage' not in meta:
            raise UserError(
                f'{source}: a checkpoint without the state of a staged run cannot be '
                'resumed; start from its weights with --load-from'
            )
        made = meta['stage']
        if meta['epoch'] > self.schedule.epochs or made != self._position(
            meta['epoch']
        ):
            raise UserError(
                f'{source}: was made after epoch {made["epoch"]} of stage '
                f'{made["name"]!r}, training {" and ".join(made["trains"])}; this '
                f'schedule ({", ".join(self.schedule.names)}) has no such place at '
                f'epoch {meta["epoch"]}: resume with the same stages, or start '
                'from its weights with --load-from'
            )
        stage = self.schedule.stage_at(max(meta['epoch'] - 1, 0))
        self._build_schedulers(runner, stage)
        states = checkpoint.get('param_schedulers', [])
        inside = meta['epoch'] <= stage.last_epoch
        if inside and len(states) != len(runner.param_schedulers):
            raise UserError(
                f'{source}: holds {len(states)} parameter schedulers, stage '
                f'{stage.name!r} has {len(runner.param_schedulers)}: resume at the '
                'end of a stage, or start from its weights with --load-from'
            )

    def _position(self, epochs_done: int) -> dict:
        """Describe a place in the schedule: the stage and the epochs done of it."""
        stage = self.schedule.stage_at(max(epochs_done - 1, 0))
        return dict(
            name=stage.name,
            trains=list(stage.trains),
            epoch=epochs_done - stage.first_epoch,
        )

    def _begin_afresh(self, runner: Runner, stage: Stage) -> None:
        wrapper = runner.optim_wrapper
        wrapper.optimizer.state.clear()
        self._build_schedulers(runner, stage)
        if self._new_loss_scaler is not None:
            wrapper.loss_scaler.load_state_dict(self._new_loss_scaler)
        # Losses that are not computed any more would stay in the log as they were.
        for key in list(runner.message_hub.log_scalars):
            if key.startswith('train/loss'):
                runner.message_hub.log_scalars.pop(key)
        if stage.number > 1:
            before = self.schedule.stages[stage.number - 2]
            if self._lacks_refiner(runner, before) and not self._lacks_refiner(
                runner, stage
            ):
                # From here on validation scores the refiner: older best scores do not
                # compare.
                for key in list(runner.message_hub.runtime_info):
                    if key.startswith('best_score'):
                        runner.message_hub.pop_info(key)

    def _build_schedulers(self, runner: Runner, stage: Stage) -> None:
        """Set all groups as they were built, at the stage's rate, and schedule them."""
        wrapper, per_epoch = runner.optim_wrapper, len(runner.train_dataloader)
        for group, built, multiplier in zip(
            wrapper.param_groups, self._groups, self._multipliers, strict=True
        ):
            for key in [key for key in group if key.startswith('initial_')]:
                del group[key]
            group.update(copy.deepcopy(built), lr=stage.lr * multiplier)
        runner.param_schedulers = [
            _build_scheduler(config, stage, wrapper, per_epoch)
            for config in stage.param_scheduler
        ]

    def _lacks_refiner(self, runner: Runner, stage: Stage) -> bool:
        """Whether a cascade's refiner is untrained by the end of this stage."""
        if REFINER not in self._freezing.subnetworks():
            return False
        refiner = {id(each) for each in self._freezing.parameters([REFINER])}
        return not any(
            id(parameter) in refiner
            for each in self.schedule.stages[: stage.number]
            for parameter in self._freezing.parameters(each.trains)
        )

    def _announce(self, runner: Runner) -> None:
        stage = self._stage
        done = runner.epoch - stage.first_epoch
        verb = 'begins' if done == 0 else f'continues after epoch {done}'
        model = _unwrapped(runner)
        trained = _count(p for p in model.parameters() if p.requires_grad)
        multipliers = sorted(set(self._multipliers))
        groups = ''
        if multipliers != [1.0]:
            listed = ', '.join(f'{multiplier:g}' for multiplier in multipliers)
            groups = f' times {listed} by parameter group'
        courses = [config['type'] for config in stage.param_scheduler]
        course = f', {" and ".join(map(str, courses))}' if courses else ''
        runner.logger.info(
            f'Stage {stage.number} of {len(self.schedule)}, {stage.name!r}, {verb}: '
            f'epochs {stage.first_epoch + 1} to {stage.last_epoch + 1}, trains '
            f'{" and ".join(stage.trains)} ({trained:,} of '
            f'{_count(model.parameters()):,} parameters), learning rate '
            f'{stage.lr:g}{groups}{course}'
        )


def _unwrapped(runner: Runner) -> nn.Module:
    model = runner.model
    return model.module if is_model_wrapper(model) else model


def _count(parameters) -> int:
    return sum(parameter.numel() for parameter in parameters)


def _common_seed(runner: Runner) -> int:
    """Return the run's seed, the same on every rank."""
    if runner._randomness_cfg.get('diff_rank_seed', False):
        return runner.seed - get_rank()
    return runner.seed


def _build_scheduler(
    config: Mapping[str, Any], stage: Stage, wrapper: OptimWrapper, per_epoch: int
):
    """Build one of a stage's schedulers, as ``Runner`` builds a run's."""
    by_epoch = config.get('by_epoch', True)
    end = stage.epochs if by_epoch else stage.epochs * per_epoch
    try:
        scheduler = PARAM_SCHEDULERS.build(
            {'end': end, **config},
            default_args=dict(optimizer=wrapper, epoch_length=per_epoch),
        )
        if (
            isinstance(scheduler, LinearParamScheduler)
            and scheduler.end - scheduler.begin < 2
        ):
            raise ValueError('from start_factor to end_factor takes two steps or more')
        return scheduler
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f'config: stage {stage.name!r}: {config["type"]} cannot be built for '
            f'{stage.epochs} epochs of {per_epoch} iterations: {first_line(error)}'
        ) from error
