"""A Torch7 module's fields, checked as they are asked for."""

import math
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.torch7 import TorchObject

# More than any network that runs on pictures has, and no memory to speak of.
_LARGEST = 4096


class Describer(Protocol):
    """What describes the modules within one."""

    def add(self, item: Any, place: str, depth: int) -> int:
        """Describe a module at a place in the network; return its number."""

    def account(self, array: np.ndarray, fields: 'Fields') -> None:
        """Refuse weights that are laid over each other again and again."""

    def fault(self, place: str, what: str) -> UserError:
        """Say what is wrong at a place."""


class Fields:
    """The fields of a module.

    Each method raises a :class:`UserError` that names the module, its place and
    the field, where there is no such value or it is out of range.

    Args:
        describer (Describer): Describes the modules within.
        item (TorchObject): The module.
        place (str): Where it is in the network.
        depth (int): How many modules it is within.
    """

    def __init__(
        self, describer: Describer, item: TorchObject, place: str, depth: int
    ) -> None:
        self.describer = describer
        self.item = item
        self.place = place
        self.depth = depth
        self.arrays: dict[str, Tensor] = {}

    def fault(self, what: str) -> UserError:
        """Say what is wrong with the module."""
        return self.describer.fault(f'{self.place} ({self.item.typename})', what)

    def whole(
        self, *names: str, default: int | None = None, least: int = 0
    ) -> int | None:
        """The first of these fields that there is, a whole number."""
        for name in names:
            value = self.item.get(name)
            if value is None:
                continue
            fits = isinstance(value, int) and not isinstance(value, bool)
            if not fits or not least <= value <= _LARGEST:
                raise self.fault(f'{name} is {shown(value)}')
            return value
        if default is None:
            raise self.fault(f'has no {names[0]}')
        return default

    def index(self, name: str, default: int | None = None) -> int:
        """A whole number that may be negative."""
        return self.whole(name, default=default, least=-_LARGEST)

    def real(self, name: str, default: float | None = None) -> float:
        """A finite number."""
        value = self.item.get(name, default)
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not fits or not math.isfinite(value):
            raise self.fault(f'{name} is {shown(value)}')
        return float(value)

    def flag(self, name: str, default: bool = False) -> bool:
        """True or false."""
        value = self.item.get(name)
        return default if value is None else value is True

    def pair(self, *stems: str, default: int | None = None, least: int = 0) -> list:
        """Two fields by height and width: ``[dH, dW]`` of ``'d'``."""
        return [
            self.whole(
                *(f'{stem}{side}' for stem in stems for side in sides),
                default=default,
                least=least,
            )
            for sides in (('H', '_h'), ('W', '_w'))
        ]

    def has(self, name: str) -> bool:
        """Whether there is such a tensor, with elements."""
        value = self.item.get(name)
        return isinstance(value, np.ndarray) and value.size > 0

    def weight(self, name: str, *shape: int, field: str | None = None) -> list[int]:
        """Keep a weight, in a shape where one is given; return the shape."""
        field = field or name
        value = self.item.get(field)
        if not isinstance(value, np.ndarray) or not value.size:
            raise self.fault(f'has no {field}')
        # An expanded tensor would take more memory than the file has.
        if not value.flags.writeable:
            raise self.fault(f'{field} is an expanded tensor')
        shape = shape or value.shape
        if math.prod(shape) != value.size:
            raise self.fault(
                f'{field} has {value.size} elements, not {"x".join(map(str, shape))}'
            )
        self.describer.account(value, self)
        array = np.array(value, dtype=np.float32, order='C').reshape(shape)
        self.arrays[name] = torch.from_numpy(array)
        return list(shape)

    def children(self) -> list[int]:
        """Describe the modules of a container; return their numbers."""
        modules = self.item.get('modules')
        if modules is None or modules == {}:
            return []
        if not isinstance(modules, list):
            raise self.fault('modules is no list')
        outer = '' if self.depth == 0 else f'{self.place}.'
        return [
            self.describer.add(module, f'{outer}modules[{number}]', self.depth + 1)
            for number, module in enumerate(modules, 1)
        ]


def shown(value: Any) -> str:
    """Write a value of a file, short enough for a line.

    Args:
        value: The value.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return str(value)[:30]
    return f'a {type(value).__name__}'
