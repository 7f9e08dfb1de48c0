"""Read Torch7's serialisation (``torch.save``), versions 0 and 1.

A value is a type, 32 bits, and what belongs to it; tables, objects and functions
carry a number by which later places refer to them, so that they may be shared and
hold themselves. Nothing here recurses: files may nest as deeply as they like.
"""

import gc
import math
import mmap
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.torch7.objects import (
    BooleanKey,
    LuaFunction,
    Table,
    TableList,
    TensorKey,
    TorchObject,
)
from phr_mmpose.utils.torch7.sources import (
    DTYPES,
    AsciiSource,
    BinarySource,
    FormatError,
)

_NIL, _NUMBER, _STRING, _TABLE, _TORCH, _BOOLEAN, _FUNCTION = range(7)
_OLD_CLOSURE, _CLOSURE = 7, 8
_TYPES = range(9)

_ARRAY = re.compile(r'torch\.(?:Cuda)?(\w*?)(Tensor|Storage)')
_VERSION = re.compile(r'V (\d+(?:\.\d+)?)')

# Whole numbers up to here are exact in a double, so they come back as int.
_EXACT = 2**53
# More dimensions than numpy 1 knows.
_MOST_DIMENSIONS = 32


def load(path: str | Path, long_size: int | None = None, trailing: bool = False) -> Any:
    """Read a file that ``torch.save`` of Torch7 wrote, binary or ``'ascii'``.

    ==================== =====================================================
    nil                  ``None``
    boolean              ``bool``
    number               ``int`` where whole (up to 2^53), else ``float``
    string               ``str``; bytes that are no UTF-8 as surrogates
                         (``text.encode(errors='surrogateescape')`` gives them)
    table                ``list`` where its keys are 1 to n, n > 0, else ``dict``
    tensor, storage      ``numpy.ndarray``; views of one storage share memory,
                         expanded tensors are read-only
    ``tds.Vec, tds.Hash``  ``list``, ``dict``
    another class        :class:`TorchObject`: ``typename`` and its fields
    function             :class:`LuaFunction`, opaque
    ==================== =====================================================

    What is shared or holds itself in the file does so in the result. No code is
    run, and memory stays in proportion to the file.

    Args:
        path (str | Path): The file.
        long_size (int, optional): Bytes of a C ``long`` where the file was
            written, 8 or 4 (32-bit machines, Windows). By default 8 and, where
            that does not read, 4.
        trailing (bool): Whether bytes after the first value are let pass, as in
            files that several were written to. Defaults to False.

    Returns:
        The value.

    Raises:
        UserError: If there is no such file, or it is none of Torch7's, damaged
            or cut short.
    """
    if long_size not in (None, 4, 8):
        raise UserError(f'long_size must be 4 or 8, got {long_size!r}')
    data = _map(path)
    if len(data) >= 2 and data[0] in b'012345678' and data[1:2].isspace():
        sources = [AsciiSource(data)]
    else:
        start = int.from_bytes(data[:4], 'little')
        if len(data) < 4 or start not in _TYPES:
            raise UserError(
                f'{path} is no Torch7 file (it begins with {bytes(data[:8])!r}); '
                'give a .t7 file that torch.save wrote'
            )
        sizes = (long_size,) if long_size else (8, 4)
        sources = [BinarySource(data, size) for size in sizes]
    first_fault = None
    with _no_collection():
        for source in sources:
            try:
                return _Reader(source).read(trailing)
            except FormatError as fault:
                first_fault = first_fault or fault
    raise UserError(
        f'{path} is no whole Torch7 file ({first_fault}): copy or download it again'
    ) from first_fault


def _map(path: str | Path) -> mmap.mmap:
    try:
        with open(path, 'rb') as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise UserError(f'{path} is empty: copy or download it again')
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        reason = getattr(error, 'strerror', None) or error
        raise UserError(f'{path} cannot be read ({reason}); give a .t7 file') from None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Stop Python's search for garbage, of which many new objects start many."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class _TableNode:
    """A table while the file is read; whether it is a list shows at the end."""

    __slots__ = ('as_dict', 'entries', 'flags', 'value')

    def __init__(self, as_dict: bool = False) -> None:
        self.entries: dict = {}
        # Apart, since True == 1 in Python; most tables have none.
        self.flags: dict[bool, Any] | None = None
        self.as_dict = as_dict
        self.value: Table | TableList | None = None

    def set(self, key: Any, value: Any) -> None:
        if isinstance(key, np.ndarray):
            key = TensorKey(key)
        entries = self.entries
        if isinstance(key, bool):
            entries = self.flags = self.flags or {}
        if value is None:
            entries.pop(key, None)  # as in Lua
        else:
            entries[key] = value

    def choose(self) -> None:
        """Make the list or dict, still empty: others may refer to it."""
        count = len(self.entries)
        is_list = (
            count > 0
            and not self.as_dict
            and not self.flags
            and all(type(key) is int and 1 <= key <= count for key in self.entries)
        )
        self.value = TableList([None] * count) if is_list else Table()

    def fill(self) -> None:
        if isinstance(self.value, TableList):
            for key, value in self.entries.items():
                self.value[key - 1] = _final(value)
            return
        self.fill_dict(self.value)

    def fill_dict(self, table: Table) -> None:
        for key, value in self.entries.items():
            table[_final(key)] = _final(value)
        for key, value in (self.flags or {}).items():
            known = int(key) in self.entries
            table[BooleanKey(key) if known else key] = _final(value)


def _final(value: Any) -> Any:
    return value.value if type(value) is _TableNode else value


class _Frame:
    """A value that waits for ``missing`` others."""

    __slots__ = ('missing', 'value')

    def __init__(self, value: Any, missing: int) -> None:
        self.value = value
        self.missing = missing

    def take(self, value: Any) -> None:
        raise NotImplementedError


class _TableFrame(_Frame):
    __slots__ = ('key', 'source')

    def __init__(self, node: _TableNode, pairs: int, source: BinarySource) -> None:
        super().__init__(node, 2 * pairs)
        self.source = source

    def take(self, value: Any) -> None:
        if self.missing % 2:
            self.value.set(self.key, value)
        elif value is None or (isinstance(value, float) and math.isnan(value)):
            raise FormatError(f'byte {self.source.position}: a table has the key nil')
        else:
            self.key = value


class _ListFrame(_Frame):
    __slots__ = ()

    def take(self, value: Any) -> None:
        self.value.append(value)


class _FieldsFrame(_Frame):
    __slots__ = ()

    def take(self, value: Any) -> None:
        # The node for now; its entries become the fields at the end.
        self.value.fields = value


class _UpvaluesFrame(_Frame):
    __slots__ = ()

    def take(self, value: Any) -> None:
        self.value.upvalues = value


class _TensorFrame(_Frame):
    __slots__ = ('finish',)

    def __init__(self, finish) -> None:
        super().__init__(None, 1)
        self.finish = finish

    def take(self, value: Any) -> None:
        self.value = self.finish(value)


# Marks a value that is being read, and "no value yet" between the two loops.
_UNFINISHED = object()


class _Reader:
    """Reads one file.

    Args:
        source (BinarySource): The file.
    """

    def __init__(self, source: BinarySource) -> None:
        self.source = source
        self.stack: list[_Frame] = []
        self.seen: dict[int, tuple[int, Any]] = {}
        self.tables: list[_TableNode] = []
        self.lists: list[TableList] = []
        self.objects: list[TorchObject] = []
        self.functions: list[LuaFunction] = []
        # Kept, so that an id stands for one storage only.
        self.storages: dict[int, np.ndarray] = {}

    def read(self, trailing: bool) -> Any:
        """Read the value; see :func:`load`."""
        value = self._begin()
        while self.stack:
            frame = self.stack[-1]
            if value is not _UNFINISHED:
                frame.take(value)
                frame.missing -= 1
            if frame.missing:
                value = self._begin()
            else:
                value = self.stack.pop().value
        if not trailing and not self.source.at_end():
            raise FormatError(
                f'{self.source.remaining} bytes follow its value at byte '
                f'{self.source.position}; load(path, trailing=True) lets them pass'
            )
        self._link()
        return _final(value)

    def _link(self) -> None:
        """Put lists, dicts and fields in the places of what was read for them."""
        for node in self.tables:
            node.choose()
        for node in self.tables:
            node.fill()
        for values in self.lists:
            values[:] = map(_final, values)
        for item in self.objects:
            content, item.fields = item.fields, Table()
            if type(content) is _TableNode:
                content.fill_dict(item.fields)
            elif content is not None:
                # A class that writes one value of its own in place of a table.
                item.fields['content'] = content
        for function in self.functions:
            function.upvalues = _final(function.upvalues)

    def _begin(self) -> Any:
        """Read a value, or the beginning of one that goes onto the stack."""
        source = self.source
        start = source.position
        kind = source.integer()
        if kind == _NIL:
            return None
        if kind == _NUMBER:
            return _number(source.double())
        if kind == _BOOLEAN:
            return source.integer() == 1
        if kind == _STRING:
            return _decode(source.text())
        if kind == _FUNCTION:
            return self._function()
        if kind not in _TYPES:
            raise FormatError(f'byte {start}: {kind} is no type of value')
        index = source.integer()
        family = _CLOSURE if kind == _OLD_CLOSURE else kind
        if index in self.seen:
            known, value = self.seen[index]
            if known != family:
                raise FormatError(
                    f'byte {start}: value {index} is referred to as one of type '
                    f'{kind}, but is of type {known}'
                )
            if value is _UNFINISHED:
                raise FormatError(f'byte {start}: tensor {index} holds itself')
            return value
        if family == _CLOSURE:
            value = self._function()
            self.seen[index] = family, self.stack[-1].value
            return value
        if kind == _TABLE:
            return self._table(index)
        return self._object(index)

    def _function(self) -> Any:
        function = LuaFunction(self.source.text())
        self.functions.append(function)
        return self._push(_UpvaluesFrame(function, 1))

    def _table(self, index: int) -> Any:
        # A pair is a boolean, 8 bytes, and a nil, 4, at the least (in text mode 4).
        pairs = self.source.whole(self.source.integer(), 4, 'pairs')
        return self._pairs(index, _TABLE, pairs, as_dict=False)

    def _pairs(self, index: int, family: int, pairs: int, as_dict: bool) -> Any:
        node = _TableNode(as_dict)
        self.tables.append(node)
        self.seen[index] = family, node
        return self._push(_TableFrame(node, pairs, self.source))

    def _object(self, index: int) -> Any:
        name = _decode(self.source.text())
        version = 0
        found = _VERSION.fullmatch(name)
        if found:
            version = _number(float(found[1]))
            name = _decode(self.source.text())
        array = _ARRAY.fullmatch(name)
        kind = array and (array[1] or ('Float' if 'Cuda' in name else 'Double'))
        if kind in DTYPES:
            if array[2] == 'Tensor':
                return self._tensor(index, name, DTYPES[kind])
            storage = self.source.array(kind)
            self.storages[id(storage)] = storage
            self.seen[index] = _TORCH, storage
            return storage
        if name in ('tds.Hash', 'tds_hash'):
            pairs = self.source.whole(self.source.long(), 4, 'pairs')
            return self._pairs(index, _TORCH, pairs, as_dict=True)
        if name in ('tds.Vec', 'tds_vec'):
            values = TableList()
            self.lists.append(values)
            self.seen[index] = _TORCH, values
            count = self.source.whole(self.source.long(), 2, 'values')
            return self._push(_ListFrame(values, count))
        item = TorchObject(name, version)
        self.objects.append(item)
        self.seen[index] = _TORCH, item
        return self._push(_FieldsFrame(item, 1))

    def _tensor(self, index: int, name: str, dtype: np.dtype) -> Any:
        source = self.source
        start = source.position
        dimensions = source.whole(source.integer(), 2, 'dimensions')
        if dimensions > _MOST_DIMENSIONS:
            raise FormatError(f'byte {start}: a tensor of {dimensions} dimensions')
        sizes = source.longs(dimensions)
        strides = source.longs(dimensions)
        offset = source.long() - 1
        self.seen[index] = _TORCH, _UNFINISHED

        def finish(storage: Any) -> np.ndarray:
            if storage is not None and id(storage) not in self.storages:
                raise FormatError(f'byte {start}: {name} without a storage')
            try:
                tensor = _view(storage, dtype, sizes, strides, offset)
            except FormatError as fault:
                raise FormatError(f'byte {start}: {name} {fault}') from None
            self.seen[index] = _TORCH, tensor
            return tensor

        return self._push(_TensorFrame(finish))

    def _push(self, frame: _Frame) -> Any:
        self.stack.append(frame)
        return _UNFINISHED


def _view(
    storage: np.ndarray | None,
    dtype: np.dtype,
    sizes: list[int],
    strides: list[int],
    offset: int,
) -> np.ndarray:
    """Lay a tensor over its storage; offset and strides count elements."""
    shape = 'x'.join(map(str, sizes))
    if any(size < 0 for size in sizes) or any(stride < 0 for stride in strides):
        raise FormatError(f'of size {shape} has a negative size or stride')
    if not sizes or 0 in sizes:
        return np.empty(sizes or 0, dtype)
    if storage is None:
        raise FormatError(f'of size {shape} has no storage')
    if storage.dtype != dtype:
        raise FormatError(f'has a storage of {storage.dtype}')
    last = offset + sum(
        (size - 1) * stride for size, stride in zip(sizes, strides, strict=True)
    )
    elements = math.prod(sizes)
    if offset < 0 or last >= len(storage) or elements * dtype.itemsize >= 2**62:
        raise FormatError(
            f'of size {shape} reaches beyond its storage of {len(storage)} elements'
        )
    # Elements that several indices share must not be written to by one.
    return np.lib.stride_tricks.as_strided(
        storage[offset:],
        sizes,
        [stride * dtype.itemsize for stride in strides],
        writeable=elements <= len(storage),
    )


def _number(value: float) -> int | float:
    if value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    return value


def _decode(text: bytes) -> str:
    return text.decode('utf-8', 'surrogateescape')
