"""The training schedule: which parts train in which epochs, at which rate."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import Any

from phr_mmpose.models.parts import PARTS
from phr_mmpose.utils.errors import UserError

_STAGE_KEYS = {'name', 'trains', 'epochs', 'lr'}
_CURVE_KEYS = {'policy', 'start', 'end', 'warmup'}


@dataclass(frozen=True)
class ConstantRate:
    """One rate for the whole stage.

    Args:
        value (float): The learning rate.
    """

    value: float

    def at(self, iteration: int, iterations: int, per_epoch: int) -> float:
        """Give the rate, see :meth:`Stage.lr`."""
        return self.value

    def __str__(self) -> str:
        return f'{self.value:g}'


@dataclass(frozen=True)
class SteppedRate:
    """Rates that change at the beginning of given epochs.

    Args:
        steps (tuple): Pairs of (epoch within the stage, learning rate), the
            first at epoch 0, in rising order of epochs.
    """

    steps: tuple[tuple[int, float], ...]

    def at(self, iteration: int, iterations: int, per_epoch: int) -> float:
        """Give the rate, see :meth:`Stage.lr`."""
        epoch = iteration // per_epoch
        return [rate for begin, rate in self.steps if begin <= epoch][-1]

    def __str__(self) -> str:
        first, *others = self.steps
        changes = [f', {rate:g} from epoch {begin + 1}' for begin, rate in others]
        return f'{first[1]:g}{"".join(changes)}'


@dataclass(frozen=True)
class CurvedRate:
    """A rate that runs from ``start`` to ``end`` over the stage's iterations.

    The first iteration after the warm-up has exactly ``start``, the last
    iteration of the stage exactly ``end``. The warm-up of ``w`` iterations
    climbs evenly: start / (w + 1), 2 start / (w + 1), ...

    Args:
        policy (str): ``'exponential'`` (equal factors), ``'linear'`` (equal
            differences) or ``'cosine'`` (half a wave).
        start (float): The rate at the beginning.
        end (float): The rate at the end.
        warmup (int): Iterations of the warm-up. Defaults to 0.
    """

    policy: str
    start: float
    end: float
    warmup: int = 0

    POLICIES = ('exponential', 'linear', 'cosine')

    def at(self, iteration: int, iterations: int, per_epoch: int) -> float:
        """Give the rate, see :meth:`Stage.lr`."""
        if iteration < self.warmup:
            return self.start * (iteration + 1) / (self.warmup + 1)
        span = iterations - 1 - self.warmup
        t = (iteration - self.warmup) / span if span > 0 else 0.0
        if self.policy == 'exponential':
            return self.start * (self.end / self.start) ** t
        if self.policy == 'cosine':
            t = (1 - math.cos(math.pi * t)) / 2
        return self.start + (self.end - self.start) * t

    def __str__(self) -> str:
        warmup = f' after {self.warmup} iterations of warm-up' if self.warmup else ''
        return f'{self.start:g} to {self.end:g} ({self.policy}){warmup}'


@dataclass(frozen=True)
class Stage:
    """One stage of a :class:`StageSchedule`.

    Args:
        name (str): Its name, also that of its checkpoint.
        trains (tuple[str]): The model's parts that train; all others are frozen.
        epochs (int): How many epochs it lasts.
        rate (ConstantRate | SteppedRate | CurvedRate): Its learning rate.
        first_epoch (int): The epoch of the run (from 0) with which it begins.
        number (int): Its place in the schedule, from 1.
    """

    name: str
    trains: tuple[str, ...]
    epochs: int
    rate: ConstantRate | SteppedRate | CurvedRate
    first_epoch: int
    number: int

    @property
    def last_epoch(self) -> int:
        """int: The last epoch of the run (from 0) that belongs to the stage."""
        return self.first_epoch + self.epochs - 1

    def lr(self, iteration: int, iterations_per_epoch: int) -> float:
        """Give the learning rate of one iteration: nothing else is remembered.

        Args:
            iteration (int): The iteration within the stage, from 0.
            iterations_per_epoch (int): Batches of one epoch.

        Returns:
            float: The rate, before the multipliers of parameter groups.
        """
        iterations = self.epochs * iterations_per_epoch
        return self.rate.at(iteration, iterations, iterations_per_epoch)


class StageSchedule:
    """The stages of a run, read from a config's ``stages`` list.

    Each entry is ``dict(name=..., trains=[...], epochs=..., lr=...)``, with
    ``lr`` as

    - a number: constant,
    - a list of (epoch within the stage, rate): steps,
    - ``dict(policy='exponential' | 'linear' | 'cosine', start=..., end=...)``,
      optionally with ``warmup=<iterations>``: a curve over the stage.

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
                'config: stages must be a list of at least one '
                f'dict(name=, trains=, epochs=, lr=), not {stages!r}'
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


def select_stages(
    stages: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> list[Mapping[str, Any]]:
    """Take some stages of a config's list, in the list's order.

    Args:
        stages (Sequence[Mapping]): The ``stages`` list.
        names (Sequence[str]): The names of those to keep.

    Raises:
        UserError: If a name is not in the list.
    """
    known = StageSchedule(stages).names
    for name in names:
        if name not in known:
            raise UserError(f'no stage {name!r} in the config: it has {_listed(known)}')
    return [entry for entry in stages if entry['name'] in names]


def _parse_stage(entry: Any, first_epoch: int, number: int) -> Stage:
    if not isinstance(entry, Mapping) or set(entry) != _STAGE_KEYS:
        raise UserError(
            f'config: stage {number} must be dict(name=, trains=, epochs=, lr=), '
            f'not {entry!r}'
        )
    name, trains, epochs = entry['name'], entry['trains'], entry['epochs']
    if not isinstance(name, str) or not re.fullmatch(r'[A-Za-z0-9_-]+', name):
        raise UserError(
            f'config: stage {number} is named {name!r}; its checkpoint is named '
            'after it, so use letters, digits, - and _ only'
        )
    where = f'config: stage {name!r}'
    if isinstance(trains, str) or not isinstance(trains, Sequence) or not trains:
        raise UserError(f'{where}: trains must be a list of {_listed(PARTS)}')
    for part in trains:
        if part not in PARTS:
            raise UserError(f'{where} trains {part!r}; the parts are {_listed(PARTS)}')
    if not _is_whole(epochs) or epochs < 1:
        raise UserError(f'{where}: epochs must be 1 or more, not {epochs!r}')
    ordered = tuple(part for part in PARTS if part in trains)
    rate = _parse_rate(entry['lr'], where)
    return Stage(name, ordered, int(epochs), rate, first_epoch, number)


def _parse_rate(spec: Any, where: str) -> ConstantRate | SteppedRate | CurvedRate:
    if _is_rate(spec):
        return ConstantRate(float(spec))
    if isinstance(spec, Mapping):
        return _parse_curve(spec, where)
    if isinstance(spec, Sequence) and not isinstance(spec, str) and spec:
        return _parse_steps(spec, where)
    raise UserError(
        f'{where}: lr must be a positive number, a list of (epoch, rate), or '
        f'dict(policy=, start=, end=), not {spec!r}'
    )


def _parse_steps(spec: Sequence[Any], where: str) -> SteppedRate:
    for step in spec:
        if (
            not isinstance(step, Sequence)
            or len(step) != 2
            or not _is_whole(step[0])
            or not _is_rate(step[1])
        ):
            raise UserError(f'{where}: each step of lr is (epoch, rate), not {step!r}')
    begins = [begin for begin, _ in spec]
    if begins[0] != 0 or any(a >= b for a, b in pairwise(begins)):
        raise UserError(
            f'{where}: the steps of lr begin with epoch 0 and rise, not {begins}'
        )
    return SteppedRate(tuple((int(begin), float(rate)) for begin, rate in spec))


def _parse_curve(spec: Mapping[str, Any], where: str) -> CurvedRate:
    unknown = set(spec) - _CURVE_KEYS
    if unknown:
        raise UserError(f'{where}: lr has no option {sorted(unknown)[0]!r}')
    if spec.get('policy') not in CurvedRate.POLICIES:
        raise UserError(
            f'{where}: lr policy must be {_listed(CurvedRate.POLICIES, "or")}, '
            f'not {spec.get("policy")!r}'
        )
    for key in ('start', 'end'):
        if not _is_rate(spec.get(key)):
            raise UserError(
                f'{where}: lr needs a positive {key}, not {spec.get(key)!r}'
            )
    warmup = spec.get('warmup', 0)
    if not _is_whole(warmup) or warmup < 0:
        raise UserError(f'{where}: the warmup of lr counts iterations, not {warmup!r}')
    return CurvedRate(
        spec['policy'], float(spec['start']), float(spec['end']), int(warmup)
    )


def _is_rate(value: Any) -> bool:
    return (
        isinstance(value, Real)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value > 0
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _listed(names: Sequence[str], word: str = 'and') -> str:
    quoted = [repr(name) for name in names]
    return f'{", ".join(quoted[:-1])} {word} {quoted[-1]}' if quoted[1:] else quoted[0]
