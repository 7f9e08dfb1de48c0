"""What a config counts in epochs, where its stages change."""

from collections.abc import Mapping

from mmengine.config import Config

from phr_mmpose.engine.stages import StageSchedule, config_stages


def move_epochs(config: Config, epochs: Mapping[str, int]) -> None:
    """Let what counts epochs act at the same place of other stages, in place.

    Such as MMDetection's ``PipelineSwitchHook``, which otherwise may never switch, and
    the epochs from which a run validates and saves.

    Args:
        config (Config): The config, with its stages as they are.
        epochs (Mapping[str, int]): Names of the stages that are to be, and how many
            epochs each is to have; the others are left out.
    """
    schedule = StageSchedule(config_stages(config))

    def from_zero(epoch: int) -> int:
        moved = min(epoch, 0) + max(epoch - schedule.epochs, 0)
        for stage in schedule.stages:
            done = max(min(stage.epochs, epoch - stage.first_epoch), 0)
            moved += round(done * epochs.get(stage.name, 0) / stage.epochs)
        return moved

    def from_one(epoch: int) -> int:
        return from_zero(epoch - 1) + 1 if epoch > 0 else epoch

    moves = dict(
        switch_epoch=from_zero,
        begin_epoch=from_one,
        save_begin=from_one,
        val_begin=from_one,
    )
    hooks = config.get('custom_hooks') or ()
    checkpoint = config.default_hooks.get('checkpoint') or {}
    for settings in (*hooks, checkpoint, config.train_cfg):
        for key in moves.keys() & settings.keys():
            settings[key] = moves[key](settings[key])
    intervals = config.train_cfg.get('dynamic_intervals')
    if intervals:
        config.train_cfg.dynamic_intervals = [
            (from_one(epoch), interval) for epoch, interval in intervals
        ]
