"""What Torch7's values become in Python."""

from dataclasses import dataclass
from typing import Any

import numpy as np


class Table(dict):
    """A Lua table; a dict that may itself be a key, by identity, as in Lua."""

    __slots__ = ()

    def __hash__(self) -> int:
        return id(self)


class TableList(list):
    """A Lua table whose keys are 1 to n; a list that may be a key, by identity."""

    __slots__ = ()

    def __hash__(self) -> int:
        return id(self)


@dataclass(frozen=True)
class BooleanKey:
    """The key ``true`` or ``false`` of a table that also has the key 1 or 0.

    Lua tells them apart, Python's ``True == 1`` does not.

    Args:
        value (bool): The key.
    """

    value: bool


@dataclass(frozen=True, eq=False)
class TensorKey:
    """A tensor or a storage as a key; arrays cannot be keys themselves.

    Args:
        value (np.ndarray): The array.
    """

    value: np.ndarray

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TensorKey) and other.value is self.value


class LuaFunction:
    """A function, opaque: its code is kept as bytes and never run.

    Args:
        code (bytes): What ``string.dump`` gave.
        upvalues: What it closed over: a list of ``name`` and ``value`` (or of
            values, in old files), None where there are none.
    """

    __slots__ = ('code', 'upvalues')

    def __init__(self, code: bytes, upvalues: Any = None) -> None:
        self.code = code
        self.upvalues = upvalues

    def __repr__(self) -> str:
        return f'LuaFunction({len(self.code)} bytes)'


class TorchObject:
    """An object of a class that is no tensor or storage, such as ``nn.Linear``.

    Its fields are attributes: ``module.weight``; ``module['weight']`` and
    ``module.get('bias')`` work as well, the latter giving None where there is no
    such field. A field of the name of an attribute here (``typename``,
    ``version``, ``fields``, ``get``) is found in ``fields`` only.

    Args:
        typename (str): The class, as Torch names it.
        version (float): Of the class; 0 in files from before there were versions.
    """

    __slots__ = ('fields', 'typename', 'version')

    def __init__(self, typename: str, version: float = 0) -> None:
        self.typename = typename
        self.version = version
        self.fields = Table()

    def __getattr__(self, name: str) -> Any:
        # Python asks objects for __array__, __deepcopy__ …: never from a file.
        dunder = name.startswith('__') and name.endswith('__')
        if not dunder and name not in TorchObject.__slots__ and name in self.fields:
            return self.fields[name]
        raise AttributeError(f'{self.typename} has no field {name}')

    def __getitem__(self, name: Any) -> Any:
        return self.fields[name]

    def __contains__(self, name: object) -> bool:
        return name in self.fields

    def get(self, name: Any, default: Any = None) -> Any:
        """Return a field.

        Args:
            name: Its key.
            default: What to return where there is none. Defaults to None.
        """
        return self.fields.get(name, default)

    def __dir__(self) -> list[str]:
        names = [key for key in self.fields if isinstance(key, str)]
        return [*super().__dir__(), *names]

    def __repr__(self) -> str:
        return f'TorchObject({self.typename})'
