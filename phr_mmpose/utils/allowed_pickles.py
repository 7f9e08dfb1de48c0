"""What a checkpoint may hold besides tensors: the one list of pickled names.

A pickle names what builds its objects. A name that stands here gives either a class
that does no harm whatever its arguments, or a function in its place that checks them.
"""

import math
import os
import pickle
import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from functools import partial
from pathlib import (
    Path,
    PosixPath,
    PurePath,
    PurePosixPath,
    PureWindowsPath,
    WindowsPath,
)

import numpy as np
from mmengine.logging import HistoryBuffer
from mmengine.optim.scheduler.param_scheduler import OneCycleParamScheduler

# Functions of a class are pickled as getattr(class, name).
_ATTRIBUTES = {
    HistoryBuffer: ('min', 'max', 'current', 'mean'),
    OneCycleParamScheduler: ('_annealing_cos', '_annealing_linear'),
}

# What a defaultdict may make.
_FACTORIES = (None, bool, dict, float, int, list, set, str, tuple, OrderedDict, Counter)


class AllowList:
    """The names that one file may use.

    torch's unpickler fills plain lists and dicts only. A deque is therefore loaded
    as a list at first and a defaultdict as a dict, and an array as what checks its
    state; :meth:`finish` puts the real ones in their place.

    A call of a few bytes can copy a long value that the pickle names again. What calls
    make is therefore limited, but for those that torch allows by itself.

    Args:
        size (int): How many bytes the file has.
    """

    def __init__(self, size: int) -> None:
        # An array is made of bytes, which are made of text.
        self._left = 2 * size
        # By the id of what is loaded first: itself, and the empty container.
        self._containers: dict[int, tuple[list | dict, deque | defaultdict]] = {}

    def names(self) -> dict[str, object]:
        """Return what stands for each name.

        Returns:
            dict[str, object]: By ``module.name`` as pickled.
        """
        return {
            'builtins.getattr': _attribute,
            **{f'{owner.__module__}.{owner.__name__}': owner for owner in _ATTRIBUTES},
            # Pickles name these, but write them without a call.
            **{
                f'builtins.{kind.__name__}': _Kind(kind)
                for kind in (bool, dict, float, int, list, str, tuple)
            },
            'builtins.bytes': _no_bytes,
            'builtins.long': _Kind(int),  # Python 2's, in whose words torch saves
            'builtins.slice': slice,
            **{
                f'{kind.__module__}.{kind.__name__}': _Counted(kind, self._count)
                for kind in (set, frozenset, Counter, OrderedDict)
            },
            'collections.defaultdict': self._defaultdict,
            'collections.deque': self._deque,
            **{f'datetime.{kind.__name__}': kind for kind in (timedelta, timezone)},
            **{
                f'datetime.{kind.__name__}': partial(_moment, kind)
                for kind in (date, datetime, time)
            },
            **_paths(self._count),
            **_numpy(self._count),
        }

    def finish(self, loaded: object) -> object:
        """Put the real containers and arrays into what was loaded.

        Args:
            loaded (object): What the file held.

        Returns:
            object: The same, changed in place where it can be.
        """
        return self._replace(loaded, {})

    def _replace(self, value: object, done: dict[int, tuple]) -> object:
        """Replace what stands for something, in all that a value holds."""
        if isinstance(value, (_Kind, _Dtype, _Array)):
            return value.real
        if id(value) in done:
            return done[id(value)][1]
        if type(value) is tuple:
            parts = tuple(self._replace(part, done) for part in value)
            same = all(new is old for new, old in zip(parts, value, strict=True))
            result = value if same else parts
            done[id(value)] = value, result
            return result
        _, result = self._containers.get(id(value), (value, value))
        # With the old value, lest its id be used again.
        done[id(value)] = value, result
        if isinstance(value, list):
            parts = [self._replace(part, done) for part in value]
            result.clear()
            result.extend(parts)
        elif isinstance(value, dict):
            for key, part in list(value.items()):
                result[key] = self._replace(part, done)
        elif isinstance(value, HistoryBuffer):
            for key, part in vars(value).items():
                setattr(value, key, self._replace(part, done))
        return result

    def _deque(self, items: object = (), maxlen: int | None = None) -> list:
        return self._stand_in(list(items), deque(maxlen=maxlen))

    def _defaultdict(self, factory: object = None, items: object = ()) -> dict:
        if isinstance(factory, _Kind):
            factory = factory.real
        if factory == self._deque:
            factory = deque
        elif not any(factory is allowed for allowed in _FACTORIES):
            name = getattr(factory, '__qualname__', type(factory).__qualname__)
            raise pickle.UnpicklingError(f'GLOBAL {name} is no allowed factory')
        return self._stand_in(dict(items), defaultdict(factory))

    def _stand_in(self, loaded: list | dict, real: deque | defaultdict) -> list | dict:
        self._count(len(loaded))
        self._containers[id(loaded)] = loaded, real
        return loaded

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise pickle.UnpicklingError('its calls make more than the file has')


class _Kind:
    """A class that may be named, but not called.

    Args:
        real (Callable): The class.
    """

    def __init__(self, real: Callable) -> None:
        self.real = real


class _Counted(_Kind):
    """A class or function that may be called as long as it makes little.

    Args:
        real (Callable): What is called.
        count (Callable[[int], None]): Told the length of each result.
    """

    def __init__(self, real: Callable, count: Callable[[int], None]) -> None:
        super().__init__(real)
        self._count = count

    def __call__(self, *arguments: object) -> object:
        made = self.real(*arguments)
        self._count(len(made))
        return made


def _attribute(owner: type, name: str) -> object:
    """Stand in for ``getattr``, for pairs that MMEngine's pickles need only."""
    if not isinstance(owner, type) or name not in _ATTRIBUTES.get(owner, ()):
        raise pickle.UnpicklingError('GLOBAL builtins.getattr is not allowed')
    return getattr(owner, name)


def _moment(
    kind: type[date] | type[time], *state: object
) -> date | time:  # a datetime is a date
    """Make a date or time; its packed bytes are checked for range, as Python omits."""
    return kind(*state).replace()


def _path(
    count: Callable[[int], None], kind: type[PurePath], *parts: object
) -> PurePath:
    if not all(isinstance(part, str) for part in parts):
        raise pickle.UnpicklingError('GLOBAL pathlib path of other than text')
    count(sum(map(len, parts)))
    return kind(*parts)


def _paths(count: Callable[[int], None]) -> dict[str, Callable]:
    """Stand in for pathlib; a path of another system becomes a pure one."""
    here = {
        PosixPath: PosixPath if os.name == 'posix' else PurePosixPath,
        WindowsPath: WindowsPath if os.name == 'nt' else PureWindowsPath,
    }
    # Python 3.13 pickles them by the name of a private module.
    return {
        f'{module}.{kind.__name__}': partial(_path, count, here.get(kind, kind))
        for module in ('pathlib', 'pathlib._local')
        for kind in (
            *(Path, PosixPath, WindowsPath),
            *(PurePath, PurePosixPath, PureWindowsPath),
        )
    }


def _numpy(count: Callable[[int], None]) -> dict[str, object]:
    """Stand in for numpy: what it unpickles trusts the file with pointers."""

    class Array(_Array):
        count_bytes = staticmethod(count)

    functions = dict(_reconstruct=Array, scalar=partial(_scalar, count))
    # numpy 2 moved its functions; a file of either version loads under either.
    return {
        'numpy.ndarray': _NDARRAY,
        'numpy.dtype': _Dtype,
        **{
            f'{package}.multiarray.{name}': function
            for package in ('numpy.core', 'numpy._core')
            for name, function in functions.items()
        },
    }


# Arrays are told from their subclasses by it; nothing can be done with it.
_NDARRAY = 'numpy.ndarray'


class _Dtype:
    """A plain dtype in the making: a number, text or time, without fields.

    Args:
        name (str): Such as ``'f8'``.
        *options (object): Whether it is aligned and copied; without effect here.
    """

    def __init__(self, name: str, *options: object) -> None:
        if not re.fullmatch(r'b1|[iuf]\d+|c\d+|[SU]\d*|[Mm]8', name):
            raise pickle.UnpicklingError(f'GLOBAL numpy.dtype({name!r}) is not plain')
        self.real = np.dtype(name)

    def __setstate__(self, state: tuple) -> None:
        _, order, subarray, names, fields, size, _, _, *unit = state
        real = self.real
        if unit:
            _, (name, number, *_) = unit[0]
            real = np.dtype(f'{real.kind}8[{number:d}{name.decode()}]')
        plain = (subarray, names, fields) == (None, None, None)
        if not plain or size not in (-1, real.itemsize):
            raise pickle.UnpicklingError('GLOBAL numpy.dtype of a state not plain')
        self.real = real.newbyteorder(order)


class _Array:
    """A plain array in the making.

    Args:
        kind (object): What stands for ``numpy.ndarray``.
        *start (object): The shape and type before there is a state.
    """

    def __init__(self, kind: object, *start: object) -> None:
        if kind is not _NDARRAY:
            raise pickle.UnpicklingError('GLOBAL numpy array of another kind')
        self.real = np.empty(0)

    def __setstate__(self, state: tuple) -> None:
        _, shape, dtype, fortran, content = state
        self.count_bytes(len(content))
        self.real = _read(shape, dtype, content, 'F' if fortran else 'C')


def _scalar(count: Callable[[int], None], dtype: _Dtype, content: bytes) -> np.generic:
    count(len(content))
    return _read((), dtype, content, 'C')[()]


def _read(
    shape: tuple[int, ...], dtype: _Dtype, content: bytes, order: str
) -> np.ndarray:
    """Read an array of a shape from exactly as many bytes as it has."""
    if not isinstance(dtype, _Dtype) or not isinstance(content, bytes):
        raise pickle.UnpicklingError('GLOBAL numpy array of other than plain bytes')
    real = dtype.real
    if len(content) != math.prod(shape) * real.itemsize or min(shape, default=0) < 0:
        raise pickle.UnpicklingError('an array has another size than its shape')
    array = np.ndarray(shape, real, content, order=order)
    # As numpy does: of its own memory, in the machine's byte order.
    return array.astype(real.newbyteorder('='), order='K')


def _no_bytes() -> bytes:
    """Stand in for ``bytes``, which is how old pickles write none."""
    return b''
