"""The runner of ``tools/train.py``, which resumes from sound checkpoints only."""

from itertools import chain
from numbers import Real

import torch
from mmengine.runner import Runner

from phr_mmpose.utils.errors import UserError, first_line


class CheckedRunner(Runner):
    """MMEngine's runner that looks at a run's state before it goes on with it.

    MMEngine takes over whatever a checkpoint holds in the place of counts, parameter
    schedulers and the optimizer's state, and fails where it uses them.
    """

    def load_checkpoint(self, *args, **kwargs) -> dict:
        """Load a checkpoint; note what of the run it is to replace."""
        checkpoint = super().load_checkpoint(*args, **kwargs)
        self._fresh = self._state()
        return checkpoint

    def resume(self, filename: str, *args, **kwargs) -> None:
        """Resume a run.

        Args:
            filename (str): The checkpoint.
            *args: As for MMEngine's runner.
            **kwargs: As for MMEngine's runner.

        Raises:
            UserError: If it holds no state of a run like this one.
        """
        try:
            super().resume(filename, *args, **kwargs)
            self._check_resumed()
        except UserError:
            raise
        # A checkpoint may hold anything in any place.
        except Exception as error:
            raise UserError(
                f'{filename}: this run cannot be resumed from its state '
                f'({first_line(error)}); resume from another checkpoint, or start from '
                'its weights with --load-from'
            ) from error

    def _state(self) -> list[dict]:
        """What schedulers and groups of parameters hold, besides the parameters."""
        states = [each.state_dict() for each in _flat(self.param_schedulers or [])]
        for group in _flat(self.optim_wrapper.param_groups):
            states.append({key: group[key] for key in group if key != 'params'})
        return states

    def _check_resumed(self) -> None:
        for count in (self.epoch, self.iter):
            if type(count) is not int or count < 0:
                raise ValueError('its epoch or its iteration is no count')
        for fresh, resumed in zip(self._fresh, self._state(), strict=True):
            for key in resumed:
                if key in fresh and not _alike(fresh[key], resumed[key]):
                    raise ValueError(f'{key} is of type {type(resumed[key]).__name__}')
        notes = self.message_hub.state_dict()['resumed_keys']
        if not all(isinstance(value, bool) for value in notes.values()):
            raise ValueError('resumed_keys of its message_hub are no flags')
        optimizer = getattr(self.optim_wrapper, 'optimizer', None)
        states = getattr(optimizer, 'state', {})
        # A group may have one parameter only: its state is compared with all.
        tensors = {
            key
            for state in states.values()
            for key, value in state.items()
            if isinstance(value, torch.Tensor)
        }
        # Others keep codes and scales of blocks in shapes of their own.
        fits = _fits if type(optimizer).__module__.startswith('torch.') else _is_tensor
        for parameter, state in states.items():
            for key, value in state.items():
                if not (fits(value, parameter) if key in tensors else _plain(value)):
                    raise ValueError(f'{key} of the optimizer is not of a parameter')


def _flat(parts: list | dict[str, list]) -> list:
    """Join what several optimizers have."""
    lists = parts.values() if isinstance(parts, dict) else [parts]
    return list(chain.from_iterable(lists))


def _alike(fresh: object, resumed: object) -> bool:
    """Whether a value can stand where there was another; None stands for any."""
    if fresh is None or resumed is None:
        return fresh is resumed or fresh is None
    if isinstance(fresh, (list, tuple)):
        return isinstance(resumed, (list, tuple)) and all(
            any(_alike(one, each) for one in fresh) for each in resumed
        )
    if isinstance(fresh, Real) and not isinstance(fresh, bool):
        return isinstance(resumed, Real) and not isinstance(resumed, bool)
    return isinstance(resumed, type(fresh))


def _fits(value: object, parameter: torch.Tensor) -> bool:
    """Whether an optimizer can keep such a tensor for a parameter."""
    # Some optimizers keep rows and columns only.
    return (
        isinstance(value, torch.Tensor)
        and not value.is_complex()
        and all(side in (1, *parameter.shape) for side in value.shape)
    )


def _is_tensor(value: object, parameter: torch.Tensor) -> bool:
    return isinstance(value, torch.Tensor)


def _plain(value: object) -> bool:
    return value is None or isinstance(value, Real)
