"""Writes Torch7's binary serialisation, as ``torch.save`` of Torch7 does."""

import struct
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NAMES = {
    'uint8': 'Byte',
    'int8': 'Char',
    'int16': 'Short',
    'int32': 'Int',
    'int64': 'Long',
    'float16': 'Half',
    'float32': 'Float',
    'float64': 'Double',
}


@dataclass(eq=False)
class Obj:
    """An object of a Torch class; ``version`` None is the format before versions."""

    typename: str
    fields: Any = field(default_factory=dict)
    version: int | None = 1


class Pairs(list):
    """A table as (key, value), for keys that Python's dicts cannot have."""


@dataclass(eq=False)
class Storage:
    """A storage; ``kind`` as in ``torch.KINDStorage``."""

    array: np.ndarray
    kind: str = ''


@dataclass(eq=False)
class Tensor:
    """A tensor, as raw as it stands in the file; ``offset`` counts from 1."""

    storage: Storage | None
    sizes: tuple = ()
    strides: tuple = ()
    offset: int = 1
    kind: str = ''


@dataclass(eq=False)
class Function:
    """A function, of one of the three types that there were."""

    code: bytes
    upvalues: Any = None
    type: int = 8


class Writer:
    """Writes values; those that are the same object are written once."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.indices: dict[int, int] = {}
        self.kept: list[Any] = []
        self.storages: dict[int, Storage] = {}

    def pack(self, code: str, *values: float) -> None:
        self.parts.append(struct.pack(f'<{len(values)}{code}', *values))

    def text(self, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        self.pack('i', len(data))
        self.parts.append(data)

    def write(self, value: Any) -> None:
        if value is None:
            self.pack('i', 0)
        elif isinstance(value, bool):
            self.pack('i', 5, value)
        elif isinstance(value, (int, float)):
            self.pack('i', 1)
            self.pack('d', value)
        elif isinstance(value, (str, bytes)):
            self.pack('i', 2)
            self.text(value)
        elif isinstance(value, Function) and value.type == 6:
            self.pack('i', 6)
            self.text(value.code)
            self.write(value.upvalues)
        else:
            self.shared(value)

    def shared(self, value: Any) -> None:
        kind = 3 if isinstance(value, (dict, list)) else 4
        if isinstance(value, Function):
            kind = value.type
        known = id(value) in self.indices
        index = self.indices.setdefault(id(value), len(self.indices) + 1)
        self.kept.append(value)
        self.pack('i', kind, index)
        if known:
            return
        if isinstance(value, Function):
            self.text(value.code)
            self.write(value.upvalues)
        elif kind == 3:
            self.pairs(value)
        else:
            self.object(value)

    def pairs(self, value: dict | list) -> None:
        if isinstance(value, dict):
            value = Pairs(value.items())
        elif not isinstance(value, Pairs):
            value = Pairs(enumerate(value, 1))
        self.pack('i', len(value))
        for pair in value:
            for each in pair:
                self.write(each)

    def header(self, typename: str | bytes, version: int | None = 1) -> None:
        if version is not None:
            self.text(f'V {version}')
        self.text(typename)

    def object(self, value: Any) -> None:
        if isinstance(value, np.ndarray):
            value = self.tensor(value)
        if isinstance(value, Obj):
            self.header(value.typename, value.version)
            self.write(value.fields)
        elif isinstance(value, Storage):
            kind = value.kind or NAMES[value.array.dtype.name]
            self.header(f'torch.{kind.replace("CudaFloat", "Cuda")}Storage')
            self.pack('q', len(value.array))
            self.parts.append(value.array.tobytes())
        elif isinstance(value, Tensor):
            kind = value.kind or value.storage.kind
            kind = kind or NAMES[value.storage.array.dtype.name]
            self.header(f'torch.{kind.replace("CudaFloat", "Cuda")}Tensor')
            self.pack('i', len(value.sizes))
            self.pack('q', *value.sizes, *value.strides, value.offset)
            self.write(value.storage)
        else:
            raise TypeError(type(value))

    def tensor(self, array: np.ndarray) -> Tensor:
        """Describe an array as a view of the memory that it lies in."""
        base = array
        while isinstance(base.base, np.ndarray):
            base = base.base
        storage = self.storages.setdefault(id(base), Storage(base.reshape(-1)))
        self.kept.append(base)
        start = array.__array_interface__['data'][0] - base.ctypes.data
        return Tensor(
            storage,
            array.shape,
            tuple(step // array.itemsize for step in array.strides),
            start // array.itemsize + 1,
        )


def dump(value: Any) -> bytes:
    writer = Writer()
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    writer.write(value)
    sys.setrecursionlimit(limit)
    return b''.join(writer.parts)
