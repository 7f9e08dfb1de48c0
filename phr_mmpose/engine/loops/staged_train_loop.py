"""The training loop that is as long as the stages say."""

from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpose.registry import LOOPS
from torch.utils.data import DataLoader

from phr_mmpose.engine.stages import StageSchedule
from phr_mmpose.utils.errors import UserError


@LOOPS.register_module()
class StagedTrainLoop(EpochBasedTrainLoop):
    """Epoch-based loop over all stages of the config's ``stages`` list.

    What happens in each stage is the business of ``StagedTrainingHook``.

    Args:
        runner (Runner): The runner, with ``stages`` in its config.
        dataloader (DataLoader | dict): The training data.
        **kwargs: ``val_begin``, ``val_interval`` and ``dynamic_intervals`` of
            MMEngine's ``EpochBasedTrainLoop``.

    Raises:
        UserError: If the stages are faulty, or there is not one batch of data.
    """

    def __init__(self, runner: Runner, dataloader: DataLoader | dict, **kwargs) -> None:
        schedule = StageSchedule(runner.cfg.get('stages'))
        super().__init__(runner, dataloader, max_epochs=schedule.epochs, **kwargs)
        if len(self.dataloader) == 0:
            raise UserError(
                f'the {len(self.dataloader.dataset)} training samples do not fill one '
                f'batch of {self.dataloader.batch_size}: lower '
                'train_dataloader.batch_size or set drop_last=False'
            )
