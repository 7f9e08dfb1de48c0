"""Whether a config trains what its stages say."""

from mmengine.hooks import CheckpointHook, EarlyStoppingHook, ParamSchedulerHook
from mmengine.model import is_model_wrapper
from mmengine.optim import OptimWrapperDict
from mmengine.runner import EpochBasedTrainLoop, Runner

from phr_mmpose.engine.stages import StageSchedule, stages_variable
from phr_mmpose.utils.errors import UserError


def check_stages(
    runner: Runner, hook: ParamSchedulerHook, schedule: StageSchedule
) -> None:
    """Refuse a config that would train differently from what the stages say.

    Args:
        runner (Runner): The runner, as it was built.
        hook (ParamSchedulerHook): The hook that trains the stages.
        schedule (StageSchedule): The stages.

    Raises:
        UserError: If the config contradicts them.
    """
    if any(
        isinstance(each, ParamSchedulerHook) and each is not hook
        for each in runner.hooks
    ):
        raise UserError(
            'config: StagedTrainingHook takes the place of ParamSchedulerHook: take it '
            'out of custom_hooks and write default_hooks = dict(param_scheduler='
            "dict(type='StagedTrainingHook', stages=[...]))"
        )
    if runner.param_schedulers:
        raise UserError(
            'config: param_scheduler and stages exclude each other: each stage has a '
            'param_scheduler of its own; remove the top-level one'
        )
    stated = stages_variable(runner.cfg)
    if stated is not None and StageSchedule(stated).stages != schedule.stages:
        raise UserError(
            'config: the variable stages differs from what trains: hand it to the '
            'hook, default_hooks = dict(param_scheduler=dict(stages=stages))'
        )
    if len(schedule.stages) > 1 and any(
        isinstance(each, EarlyStoppingHook) for each in runner.hooks
    ):
        raise UserError(
            'config: EarlyStoppingHook would end all stages at the first that gets no '
            'better: take it out of custom_hooks, or train one stage at a time with it '
            f'(--stages {schedule.stages[0].name})'
        )
    if any(
        isinstance(each, CheckpointHook) and not each.by_epoch for each in runner.hooks
    ):
        raise UserError(
            'config: a stage can be resumed at the end of an epoch only: take '
            'by_epoch=False out of the checkpoint hook; ShortEpochSampler makes '
            'shorter epochs'
        )
    if not isinstance(runner.train_loop, EpochBasedTrainLoop):
        raise UserError(
            'config: stages count epochs: use train_cfg = dict(by_epoch=True, '
            f'max_epochs={schedule.epochs})'
        )
    if runner.max_epochs != schedule.epochs:
        raise UserError(
            f'config: train_cfg.max_epochs is {runner.max_epochs}, the stages have '
            f'{schedule.epochs} epochs together; set max_epochs to that'
        )
    loader = runner.train_dataloader
    if len(loader) == 0:
        raise UserError(
            f'the {len(loader.dataset)} training samples do not fill one batch of '
            f'{loader.batch_size}: lower train_dataloader.batch_size or set '
            'drop_last=False'
        )
    wrapper = runner.optim_wrapper
    if isinstance(wrapper, OptimWrapperDict):
        raise UserError('config: stages need one optimizer, not several')
    if not wrapper.optimizer.defaults.get('lr'):
        raise UserError(
            'config: optim_wrapper.optimizer.lr must be positive: it is what the '
            "parameter groups' multipliers refer to"
        )
    # Frozen sub-modules take no part in the backward pass.
    model = runner.model
    if is_model_wrapper(model) and not getattr(model, 'find_unused_parameters', True):
        raise UserError(
            'config: staged training on several processes needs '
            'find_unused_parameters = True'
        )
