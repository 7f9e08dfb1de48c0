"""From Torch7's objects to a description in plain data, and weights.

The description is what a checkpoint can carry and a reader can trust: a list of
modules, each a dict of ``type`` and numbers, that refer to earlier ones by number;
nothing in it names code. Weights are tensors beside it, named
``layers.NUMBER.weight`` and so on, as :class:`Torch7Graph` has them.
"""

from typing import Any

import numpy as np
from torch import Tensor

from phr_mmpose.models.torch7.fields import Fields
from phr_mmpose.models.torch7.limits import MOST_NESTED, check_calls
from phr_mmpose.models.torch7.readers import READERS
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.torch7 import TorchObject

# Packages whose modules these are; cudnn's are nn's on the GPU.
_PACKAGES = ('nn', 'cudnn', 'cunn', 'inn')
# Fields of a checkpoint of training that hold its network.
_NETWORKS = ('model', 'network', 'net')
# Weights are copied out of shared memory this often at the most.
_MOST_SHARED = 16


def describe(value: Any, source: str) -> tuple[dict, dict[str, Tensor]]:
    """Describe the network that a Torch7 file holds.

    Args:
        value: What :func:`phr_mmpose.utils.torch7.load` gave: a module, or a
            table with one as ``model``, ``network`` or ``net``.
        source (str): Named in errors.

    Returns:
        tuple[dict, dict[str, Tensor]]: The description, with ``modules`` and the
        number of the outermost, ``root``; float32 weights.

    Raises:
        UserError: If there is no network in it, or one with a module that is
            not known here or is faulty; the line says where in it.
    """
    if isinstance(value, dict):
        value = next((value[key] for key in _NETWORKS if key in value), value)
    if not isinstance(value, TorchObject):
        raise UserError(
            f'{source}: holds no network but a {type(value).__name__}; give a file '
            'of an nn module'
        )
    describer = _Describer(source)
    root = describer.add(value, 'the network', 0)
    description = dict(modules=describer.modules, root=root)
    try:
        check_calls(describer.modules)
    except ValueError as error:
        raise UserError(f'{source}: {error}') from None
    return description, describer.weights


def known_modules() -> list[str]:
    """List the modules that :func:`describe` knows, without their package."""
    return sorted(READERS)


class _Describer:
    """Describes each module once, wherever it is used."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.modules: list[dict] = []
        self.weights: dict[str, Tensor] = {}
        self._numbers: dict[int, int | None] = {}
        self._used: dict[int, int] = {}

    def add(self, item: Any, place: str, depth: int) -> int:
        """Describe a module and what it holds; return its number."""
        if not isinstance(item, TorchObject):
            raise self.fault(place, f'a {type(item).__name__} in place of a module')
        if id(item) in self._numbers:
            number = self._numbers[id(item)]
            if number is None:
                raise self.fault(place, f'{item.typename} holds itself')
            return number
        if depth > MOST_NESTED:
            raise self.fault(place, f'modules nest deeper than {MOST_NESTED}')
        package, _, name = item.typename.partition('.')
        read = READERS.get(name) if package in _PACKAGES else None
        if read is None:
            raise self.fault(
                place,
                f'module {_printable(item.typename)} is not known; docs/released.md '
                'lists those that are',
            )
        self._numbers[id(item)] = None
        fields = Fields(self, item, place, depth)
        described = read(fields)
        number = len(self.modules)
        self.modules.append(described)
        for key, array in fields.arrays.items():
            self.weights[f'layers.{number}.{key}'] = array
        self._numbers[id(item)] = number
        return number

    def account(self, array: np.ndarray, fields: Fields) -> None:
        """Refuse weights that are laid over each other again and again."""
        memory = array
        while getattr(memory, 'base', None) is not None:
            memory = memory.base
        used = self._used.get(id(memory), 0) + array.nbytes
        self._used[id(memory)] = used
        if used > _MOST_SHARED * memory.nbytes:
            raise fields.fault('its weights share the memory of too many others')

    def fault(self, place: str, what: str) -> UserError:
        """Say what is wrong at a place."""
        return UserError(f'{self.source}: {place}: {what}')


def _printable(name: str) -> str:
    """Write a name of a file into one line, whatever it holds."""
    return ''.join(letter if letter.isprintable() else '?' for letter in name[:80])
