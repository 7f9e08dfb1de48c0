"""Writes Torch7's serialisation, as ``torch.save`` of Torch7 does."""

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


@dataclass(eq=False)
class Tds:
    """A ``tds.Hash`` (of a dict) or a ``tds.Vec`` (of a list)."""

    content: Any
    typename: str = ''


class Writer:
    """Writes values; those that are the same object are written once."""

    def __init__(self, long_size: int = 8, ascii: bool = False) -> None:
        self.parts: list[bytes] = []
        self.ascii = ascii
        self.long_code = 'q' if long_size == 8 else 'i'
        self.indices: dict[int, int] = {}
        self.kept: list[Any] = []
        self.storages: dict[int, Storage] = {}

    def numbers(self, code: str, *values: float) -> None:
        if not self.ascii:
            self.parts.append(struct.pack(f'<{len(values)}{code}', *values))
        elif values:
            text = '%.17g' if code == 'd' else '%d'
            self.parts.append(' '.join(text % each for each in values).encode() + b'\n')

    def write_int(self, *values: int) -> None:
        self.numbers('i', *values)

    def write_long(self, *values: int) -> None:
        self.numbers(self.long_code, *values)

    def text(self, text: str | bytes) -> None:
        data = text if isinstance(text, bytes) else text.encode()
        self.write_int(len(data))
        self.parts.append(data + (b'\n' if self.ascii and data else b''))

    def write(self, value: Any) -> None:
        if value is None:
            self.write_int(0)
        elif isinstance(value, (bool, np.bool_)):
            self.write_int(5)
            self.write_int(int(value))
        elif isinstance(value, (int, float)):
            self.write_int(1)
            self.numbers('d', value)
        elif isinstance(value, (str, bytes)):
            self.write_int(2)
            self.text(value)
        elif isinstance(value, Function) and value.type == 6:
            self.write_int(6)
            self.text(value.code)
            self.write(value.upvalues)
        else:
            self.shared(value)

    def shared(self, value: Any) -> None:
        kind = 3 if isinstance(value, (dict, list)) else 4
        if isinstance(value, Function):
            kind = value.type
        self.write_int(kind)
        known = id(value) in self.indices
        index = self.indices.setdefault(id(value), len(self.indices) + 1)
        self.kept.append(value)
        self.write_int(index)
        if known:
            return
        if isinstance(value, Function):
            self.text(value.code)
            self.write(value.upvalues)
        elif kind == 3:
            self.pairs(value, self.write_int)
        else:
            self.object(value)

    def pairs(self, value: dict | list, count) -> None:
        pairs = value.items() if isinstance(value, dict) else enumerate(value, 1)
        pairs = list(pairs)
        count(len(pairs))
        for key, content in pairs:
            self.write(key)
            self.write(content)

    def header(self, typename: str, version: int | None = 1) -> None:
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
            self.write_long(len(value.array))
            self.elements(value.array)
        elif isinstance(value, Tensor):
            kind = value.kind or value.storage.kind
            kind = kind or NAMES[value.storage.array.dtype.name]
            self.header(f'torch.{kind.replace("CudaFloat", "Cuda")}Tensor')
            self.write_int(len(value.sizes))
            self.write_long(*value.sizes)
            self.write_long(*value.strides)
            self.write_long(value.offset)
            self.write(value.storage)
        elif isinstance(value, Tds):
            is_hash = isinstance(value.content, dict)
            self.header(value.typename or ('tds.Hash' if is_hash else 'tds.Vec'), 0)
            if is_hash:
                self.pairs(value.content, self.write_long)
            else:
                self.write_long(len(value.content))
                for each in value.content:
                    self.write(each)
        else:
            raise TypeError(type(value))

    def elements(self, array: np.ndarray) -> None:
        if self.ascii and array.dtype.itemsize > 1:
            whole = np.issubdtype(array.dtype, np.integer)
            text = '%d' if whole else '%.17g'
            line = ' '.join(text % each for each in array.tolist()).encode()
            self.parts.append(line + b'\n' if len(array) else b'')
            return
        if array.dtype == np.int64 and self.long_code == 'i':
            array = array.astype(np.int32)
        end = b'\n' if self.ascii and len(array) else b''
        self.parts.append(array.tobytes() + end)

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


def dump(value: Any, long_size: int = 8, ascii: bool = False) -> bytes:
    writer = Writer(long_size, ascii)
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    writer.write(value)
    sys.setrecursionlimit(limit)
    return b''.join(writer.parts)
