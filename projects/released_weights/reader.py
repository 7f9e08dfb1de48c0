"""Read Torch7's binary serialisation (``torch.save``) without running anything.

A value is a type, 32 bits, and what belongs to it. Tables, objects and functions carry
a number by which later places refer to them, so that they may be shared and hold
themselves. Each length is checked against what is left of the file before it is
believed, and nothing recurses, however deeply a file nests.
"""

import math
import mmap
import os
import re
import struct
from collections.abc import Generator
from pathlib import Path
from typing import Any

import numpy as np

from phr_mmpose.utils.errors import UserError

_NIL, _NUMBER, _STRING, _TABLE, _OBJECT, _BOOLEAN, _FUNCTION = range(7)
_OLD_CLOSURE, _CLOSURE = 7, 8

# Elements by the name that tensors and storages carry; a GPU's float has none.
_DTYPES = {
    'Byte': np.dtype('<u1'),
    'Char': np.dtype('<i1'),
    'Short': np.dtype('<i2'),
    'Int': np.dtype('<i4'),
    'Long': np.dtype('<i8'),
    'Half': np.dtype('<f2'),
    'Float': np.dtype('<f4'),
    'Double': np.dtype('<f8'),
}
_ARRAY = re.compile(r'torch\.(Cuda)?(\w*?)(Tensor|Storage)')
_VERSION = re.compile(r'V \d+')

_INT, _LONG, _DOUBLE = (struct.Struct(f'<{code}') for code in 'iqd')
# Whole numbers up to here are exact in a double.
_EXACT = 2**53
# More dimensions than numpy 1 knows.
_MOST_DIMENSIONS = 32


class Table(dict):
    """A Lua table; it may itself be a key, by identity, as in Lua."""

    __slots__ = ()

    def __hash__(self) -> int:
        return id(self)

    def as_list(self) -> list | None:
        """Return the values of a table whose keys are 1 to n, else None."""
        values = [self.get(number) for number in range(1, len(self) + 1)]
        return None if any(value is None for value in values) else values


class TorchObject:
    """An object of a Torch class that is no tensor or storage.

    Args:
        typename (str): The class, such as ``nn.Linear``.
    """

    __slots__ = ('fields', 'typename')

    def __init__(self, typename: str) -> None:
        self.typename = typename
        self.fields = Table()

    def get(self, name: str) -> Any:
        """Return a field, None where there is none."""
        return self.fields.get(name)


class LuaFunction:
    """A function, of which nothing is kept: it can never run."""

    __slots__ = ()


class FormatError(Exception):
    """The file is not what its beginning promised; one line, without its name."""


def load(path: str | Path) -> Any:
    """Read a binary ``.t7`` file, as 64-bit Torch7 writes it.

    Lua's nil, booleans, numbers and strings become Python's (a number ``int`` where it
    is whole), tables :class:`Table`, tensors and storages numpy arrays that share
    memory as they did (expanded ones are read-only), other objects
    :class:`TorchObject`, functions an empty :class:`LuaFunction`.

    Args:
        path (str | Path): The file.

    Returns:
        The value.

    Raises:
        UserError: If there is no such file, or it is none of Torch7's, damaged or cut
            short.
    """
    data = _map(path)
    if len(data) < 4 or _INT.unpack_from(data)[0] not in range(9):
        raise UserError(
            f'{path} is no binary Torch7 file (it begins with {bytes(data[:8])!r}); '
            'give a .t7 file that torch.save wrote'
        )
    try:
        return _Reader(data).read()
    except FormatError as fault:
        raise UserError(
            f'{path} is no whole Torch7 file ({fault}): copy or download it again'
        ) from fault


def _map(path: str | Path) -> mmap.mmap:
    try:
        with open(path, 'rb') as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise UserError(f'{path} is empty: copy or download it again')
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f'{path} cannot be read ({reason}); give a .t7 file') from None


# A value that needs others yields for each and is sent it.
Steps = Generator[None, Any, Any]


class _Reader:
    """Reads one file.

    Args:
        data (mmap.mmap): Its bytes.
    """

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.position = 0
        # By number: the type, and the value or None while a tensor is unfinished.
        self.known: dict[int, tuple[int, Any]] = {}
        # Kept, so that an id stands for one storage only.
        self.storages: dict[int, np.ndarray] = {}

    def read(self) -> Any:
        """Read the file's one value."""
        waiting: list[Steps] = []
        value: Any = self._begin()
        while True:
            if isinstance(value, Generator):
                waiting.append(value)
                next_sent = None
            elif waiting:
                next_sent = value
            else:
                break
            try:
                waiting[-1].send(next_sent)
            except StopIteration as done:
                waiting.pop()
                value = done.value
            else:
                value = self._begin()
        if self.position < len(self.data):
            raise self._fault(f'{len(self.data) - self.position} bytes follow')
        return value

    def _fault(self, what: str) -> FormatError:
        return FormatError(f'byte {self.position}: {what}')

    def _unpack(self, kind: struct.Struct) -> int | float:
        if len(self.data) - self.position < kind.size:
            raise self._fault(f'a number of {kind.size} bytes is cut short')
        (value,) = kind.unpack_from(self.data, self.position)
        self.position += kind.size
        return value

    def _count(self, kind: struct.Struct, size: int, what: str) -> int:
        """Read how many there are; each takes ``size`` bytes at the least."""
        count = self._unpack(kind)
        left = len(self.data) - self.position
        if not 0 <= count * size <= left:
            raise self._fault(f'{count} {what} are announced, {left} bytes follow')
        return count

    def _text(self) -> str:
        count = self._count(_INT, 1, 'characters')
        self.position += count
        text = self.data[self.position - count : self.position]
        return text.decode('utf-8', 'surrogateescape')

    def _begin(self) -> Any:
        """Read a value, or the beginning of one that needs others."""
        kind = self._unpack(_INT)
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            value = self._unpack(_DOUBLE)
            whole = value.is_integer() and abs(value) <= _EXACT
            return int(value) if whole else value
        if kind == _BOOLEAN:
            return self._unpack(_INT) == 1
        if kind == _STRING:
            return self._text()
        if kind == _FUNCTION:
            return self._function()
        if kind not in (_TABLE, _OBJECT, _OLD_CLOSURE, _CLOSURE):
            raise self._fault(f'{kind} is no type of value')
        number = self._unpack(_INT)
        if number in self.known:
            known, value = self.known[number]
            if known != kind or value is None:
                raise self._fault(f'value {number} cannot be referred to here')
            return value
        if kind == _TABLE:
            self.known[number] = kind, Table()
            return self._pairs(self.known[number][1])
        if kind == _OBJECT:
            return self._object(number)
        self.known[number] = kind, LuaFunction()
        return self._function()

    def _function(self) -> Steps:
        self._text()
        yield  # what it closes over
        return LuaFunction()

    def _pairs(self, table: Table) -> Steps:
        # A pair is a boolean, 8 bytes, and a nil, 4, at the least.
        for _ in range(self._count(_INT, 12, 'pairs')):
            key = yield
            value = yield
            if key is None or (isinstance(key, float) and math.isnan(key)):
                raise self._fault('a table has the key nil')
            if isinstance(key, (bool, np.ndarray)):
                # True is 1 to Python, and arrays are no keys: apart, by identity.
                key = type(key).__name__, id(key)
            if value is not None:
                table[key] = value
        return table

    def _object(self, number: int) -> Any:
        name = self._text()
        if _VERSION.fullmatch(name):
            name = self._text()
        found = _ARRAY.fullmatch(name)
        on_gpu, element, kind = found.groups() if found else (None, None, None)
        dtype = _DTYPES.get(element or ('Float' if on_gpu else 'Double'))
        if not found or dtype is None:
            item = TorchObject(name)
            self.known[number] = _OBJECT, item
            return self._fields(item)
        if kind == 'Tensor':
            self.known[number] = _OBJECT, None
            return self._tensor(number, dtype)
        count = self._count(_LONG, dtype.itemsize, 'elements')
        size = count * dtype.itemsize
        # A copy, so that the tensors outlive the file.
        view = np.frombuffer(self.data, dtype, count, self.position) if count else ()
        storage = np.array(view, dtype)
        self.position += size
        self.storages[id(storage)] = storage
        self.known[number] = _OBJECT, storage
        return storage

    def _fields(self, item: TorchObject) -> Steps:
        content = yield
        if isinstance(content, Table):
            item.fields = content
        return item

    def _tensor(self, number: int, dtype: np.dtype) -> Steps:
        dimensions = self._count(_INT, 2 * _LONG.size, 'dimensions')
        if dimensions > _MOST_DIMENSIONS:
            raise self._fault(f'a tensor of {dimensions} dimensions')
        sizes = [self._unpack(_LONG) for _ in range(dimensions)]
        strides = [self._unpack(_LONG) for _ in range(dimensions)]
        offset = self._unpack(_LONG) - 1
        storage = yield
        if storage is not None and id(storage) not in self.storages:
            raise self._fault('a tensor without a storage')
        try:
            tensor = _lay(storage, dtype, sizes, strides, offset)
        except ValueError as error:
            raise self._fault(str(error)) from None
        self.known[number] = _OBJECT, tensor
        return tensor


def _lay(
    storage: np.ndarray | None,
    dtype: np.dtype,
    sizes: list[int],
    strides: list[int],
    offset: int,
) -> np.ndarray:
    """Lay a tensor over its storage; offset and strides count elements.

    Raises:
        ValueError: If it reaches outside.
    """
    shape = 'x'.join(map(str, sizes))
    if min(sizes + strides, default=0) < 0:
        raise ValueError(f'a tensor of size {shape} has a negative size or stride')
    if 0 in sizes or not sizes:
        return np.empty(sizes or 0, dtype)
    if storage is None or storage.dtype != dtype:
        raise ValueError(f'a tensor of size {shape} has no storage of {dtype}')
    last = offset + sum(
        (size - 1) * stride for size, stride in zip(sizes, strides, strict=True)
    )
    elements = math.prod(sizes)
    if offset < 0 or last >= len(storage) or elements * dtype.itemsize >= 2**62:
        raise ValueError(
            f'a tensor of size {shape} reaches beyond its {len(storage)} elements'
        )
    return np.lib.stride_tricks.as_strided(
        storage[offset:],
        sizes,
        [stride * dtype.itemsize for stride in strides],
        # Elements that several indices share must not be written to by one.
        writeable=elements <= len(storage),
    )
