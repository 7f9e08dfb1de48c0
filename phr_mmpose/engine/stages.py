"""The training schedule: which sub-modules train in which epochs, at which rate."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

from phr_mmpose.utils.errors import UserError

_REQUIRED = {'name', 'trains', 'epochs', 'lr'}
_FORM = 'dict(name=, trains=[...], epochs=, lr=, param_scheduler=[...])'


@dataclass(frozen=True)
class Stage:
    """One stage of a :class:`StageSchedule`.

    Args:
        name (str): Its name, also that of its checkpoint.
        trains (tuple[str]): The sub-modules that train; all others are frozen.
        epochs (int): How many epochs it lasts.
        lr (float): The learning rate that its schedulers start from.
        param_scheduler (tuple[dict]): Configs of MMEngine's parameter schedulers.
        first_epoch (int): The epoch of the run (from 0) at which it begins.
        number (int): Its place in the schedule, from 1.
    """

    name: str
    trains: tuple[str, ...]
    epochs: int
    lr: float
    param_scheduler: tuple[dict, ...]
    first_epoch: int
    number: int

    @property
    def last_epoch(self) -> int:
        """int: The last epoch of the run (from 0) that belongs to the stage."""
        return self.first_epoch + self.epochs - 1


class StageSchedule:
    """The stages of a run, read from ``StagedTrainingHook``'s list.

    Each entry is ``dict(name=..., trains=[...], epochs=..., lr=...,
    param_scheduler=[...])``; see :class:`StagedTrainingHook` for their meaning.

    Args:
        stages (Sequence[Mapping]): The list.

    Raises:
        UserError: If the list is empty or an entry says something impossible.

    Example:
        >>> schedule = StageSchedule([
        ...     dict(name='detector', trains=['detector'], epochs=2, lr=1e-3),
        ...     dict(name='joint', trains=['detector', 'refiner'], epochs=1, lr=1e-4)])
        >>> schedule.stage_at(2).name
        'joint'
    """

    def __init__(self, stages: Sequence[Mapping[str, Any]]) -> None:
        if not isinstance(stages, Sequence) or isinstance(stages, str) or not stages:
            raise UserError(
                f'config: stages must be a list of at least one {_FORM}, not {stages!r}'
            )
        self.stages: tuple[Stage, ...] = ()
        for entry in stages:
            stage = _parse_stage(entry, self.epochs, len(self.stages) + 1)
            if stage.name in self.names:
                raise UserError(f'config: two stages are named {stage.name!r}')
            self.stages += (stage,)

    def __len__(self) -> int:
        return len(self.stages)

    @property
    def epochs(self) -> int:
        """int: The epochs of all stages together."""
        return sum(stage.epochs for stage in self.stages)

    @property
    def names(self) -> tuple[str, ...]:
        """tuple[str]: The stages' names in order."""
        return tuple(stage.name for stage in self.stages)

    def stage_at(self, epoch: int) -> Stage:
        """Find the stage that an epoch belongs to.

        Args:
            epoch (int): An epoch of the run, from 0 to ``epochs - 1``.

        Raises:
            IndexError: If the run has no such epoch.
        """
        for stage in self.stages:
            if stage.first_epoch <= epoch <= stage.last_epoch:
                return stage
        raise IndexError(f'epoch {epoch} of a schedule of {self.epochs} epochs')


def config_stages(config: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    """Find the stages of a config.

    Args:
        config (Mapping): The config.

    Returns:
        Sequence[Mapping] | None: The stages of its ``StagedTrainingHook``; None
        where it has no such hook.
    """
    hooks = config.get('default_hooks') or {}
    return (hooks.get('param_scheduler') or {}).get('stages')


def stages_variable(config: Mapping[str, Any]) -> Sequence[Mapping[str, Any]] | None:
    """Find a top-level variable ``stages``, where versions before 0.2 had them.

    Args:
        config (Mapping): The config.

    Returns:
        Sequence[Mapping] | None: The variable; None if there is none, or if the name
        means something else.
    """
    stages = config.get('stages')
    if isinstance(stages, Sequence) and any(
        isinstance(each, Mapping) and 'trains' in each for each in stages
    ):
        return stages
    return None


def _parse_stage(entry: Any, first_epoch: int, number: int) -> Stage:
    if not isinstance(entry, Mapping) or not (
        _REQUIRED <= set(entry) <= {*_REQUIRED, 'param_scheduler'}
    ):
        raise UserError(f'config: stage {number} must be {_FORM}, not {entry!r}')
    name, trains, epochs = entry['name'], entry['trains'], entry['epochs']
    if not isinstance(name, str) or not re.fullmatch(r'[A-Za-z0-9_-]+', name):
        raise UserError(
            f'config: stage {number} is named {name!r}; its checkpoint is named '
            'after it, so use letters, digits, - and _ only'
        )
    where = f'config: stage {name!r}'
    if (
        isinstance(trains, str)
        or not isinstance(trains, Sequence)
        or not trains
        or not all(isinstance(each, str) and each for each in trains)
    ):
        raise UserError(
            f"{where}: trains must be a list such as ['detector', 'refiner'] or "
            f"['head.refiner'], not {trains!r}"
        )
    if not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 1:
        raise UserError(f'{where}: epochs must be 1 or more, not {epochs!r}')
    lr = _parse_lr(entry['lr'], where)
    schedulers = _parse_schedulers(entry.get('param_scheduler', ()), where)
    return Stage(name, tuple(trains), epochs, lr, schedulers, first_epoch, number)


def _parse_lr(lr: Any, where: str) -> float:
    if isinstance(lr, (Mapping, Sequence)) and not isinstance(lr, str):
        raise UserError(
            f'{where}: lr is one number since version 0.2; write its course as '
            "param_scheduler=[dict(type='CosineAnnealingLR', ...)], see CHANGELOG.md"
        )
    usable = isinstance(lr, Real) and not isinstance(lr, bool)
    if not usable or not 0 < lr <= sys.float_info.max:
        raise UserError(f'{where}: lr must be a positive number, not {lr!r:.60}')
    return float(lr)


def _parse_schedulers(schedulers: Any, where: str) -> tuple[dict, ...]:
    if isinstance(schedulers, Mapping):
        schedulers = [schedulers]
    if not isinstance(schedulers, Sequence) or not all(
        isinstance(each, Mapping) and 'type' in each for each in schedulers
    ):
        raise UserError(
            f'{where}: param_scheduler must be a list of dict(type=...) of '
            f"MMEngine's parameter schedulers, not {schedulers!r}"
        )
    return tuple(dict(each) for each in schedulers)
