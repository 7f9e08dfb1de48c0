"""The two encodings of Torch7's files; no length is believed before it is checked."""

import mmap
import re
import struct

import numpy as np

_INTEGER = re.compile(rb'\s*([+-]?\d{1,20})(?=\s|$)')
_WORD = re.compile(rb'\s*(\S{1,400})')

# Types by the name that Torch's tensors and storages carry.
DTYPES = {
    'Byte': np.dtype('<u1'),
    'Char': np.dtype('<i1'),
    'Short': np.dtype('<i2'),
    'Int': np.dtype('<i4'),
    'Long': np.dtype('<i8'),
    'Half': np.dtype('<f2'),
    'Float': np.dtype('<f4'),
    'Double': np.dtype('<f8'),
}


class FormatError(Exception):
    """The file is not what its beginning promised; one line, without its name."""


class BinarySource:
    """Torch's binary mode on a little-endian machine.

    Args:
        data (mmap.mmap | bytes): The file.
        long_size (int): Bytes of a C ``long`` where it was written: 8, or 4 on
            32-bit machines and Windows.
    """

    def __init__(self, data: mmap.mmap | bytes, long_size: int) -> None:
        self.data = data
        self.position = 0
        self._long = struct.Struct('<q' if long_size == 8 else '<i')

    @property
    def remaining(self) -> int:
        """int: Bytes not read yet."""
        return len(self.data) - self.position

    def whole(self, count: int, at_least: int, what: str) -> int:
        """Check a count from the file.

        Args:
            count (int): How many there are said to be.
            at_least (int): Bytes that each takes at the least.
            what (str): What they are.

        Returns:
            int: ``count``.

        Raises:
            FormatError: If it is negative, or more than the file can hold.
        """
        if count < 0:
            raise FormatError(f'byte {self.position}: {count} {what}')
        if count * at_least > self.remaining:
            raise FormatError(
                f'byte {self.position}: {count} {what} are announced, but only '
                f'{self.remaining} bytes follow'
            )
        return count

    def _unpack(self, kind: struct.Struct) -> int | float:
        try:
            (value,) = kind.unpack_from(self.data, self.position)
        except struct.error:
            raise FormatError(
                f'byte {self.position}: a number of {kind.size} bytes is expected, '
                f'but {self.remaining} follow'
            ) from None
        self.position += kind.size
        return value

    def integer(self) -> int:
        """Read a C ``int``."""
        return self._unpack(_INT)

    def long(self) -> int:
        """Read a C ``long``."""
        return self._unpack(self._long)

    def longs(self, count: int) -> list[int]:
        """Read several; ``count`` is checked here."""
        self.whole(count, self._long.size, 'sizes')
        return [self._unpack(self._long) for _ in range(count)]

    def double(self) -> float:
        """Read a number."""
        return self._unpack(_DOUBLE)

    def text(self) -> bytes:
        """Read a length and as many bytes."""
        count = self.whole(self.integer(), 1, 'characters')
        self.position += count
        return self.data[self.position - count : self.position]

    def array(self, kind: str) -> np.ndarray:
        """Read a storage: its size, then its elements.

        Args:
            kind (str): A key of ``DTYPES``.

        Returns:
            np.ndarray: One-dimensional, with memory of its own.
        """
        count = self.long()
        stored = DTYPES[kind]
        if kind == 'Long' and self._long.size == 4:
            stored = np.dtype('<i4')
        self.whole(count, stored.itemsize, 'elements')
        view = np.frombuffer(self.data, stored, count, self.position) if count else []
        self.position += count * stored.itemsize
        return np.array(view, dtype=DTYPES[kind])

    def at_end(self) -> bool:
        """Whether nothing follows."""
        return not self.remaining


class AsciiSource(BinarySource):
    """Torch's text mode: the same values as words, strings as they are.

    Args:
        data (mmap.mmap | bytes): The file.
    """

    def __init__(self, data: mmap.mmap | bytes) -> None:
        super().__init__(data, 8)

    def _word(self, pattern: re.Pattern, what: str) -> bytes:
        found = pattern.match(self.data, self.position)
        if not found:
            raise FormatError(f'byte {self.position}: {what} is expected')
        self.position = found.end()
        return found[1]

    def _end_line(self) -> None:
        if self.data[self.position : self.position + 1] == b'\n':
            self.position += 1

    def integer(self) -> int:
        """Read a whole number and the end of its line."""
        value = int(self._word(_INTEGER, 'a whole number'))
        self._end_line()
        return value

    long = integer

    def longs(self, count: int) -> list[int]:
        """Read several of one line."""
        self.whole(count, 1, 'sizes')
        values = [int(self._word(_INTEGER, 'a whole number')) for _ in range(count)]
        if count:
            self._end_line()
        return values

    def double(self) -> float:
        """Read a number and the end of its line."""
        start = self.position
        try:
            value = float(self._word(_WORD, 'a number'))
        except ValueError:
            raise FormatError(f'byte {start}: a number is expected') from None
        self._end_line()
        return value

    def text(self) -> bytes:
        """Read a length and as many bytes, then the end of the line."""
        value = super().text()
        if value:
            self._end_line()
        return value

    def array(self, kind: str) -> np.ndarray:
        """Read a storage; bytes and characters are stored as they are."""
        dtype = DTYPES[kind]
        count = self.long()
        if dtype.itemsize == 1:
            self.whole(count, 1, 'elements')
            raw = self.data[self.position : self.position + count]
            self.position += count
            array = np.frombuffer(raw, dtype).copy()
        else:
            # Each takes a digit and, but the last, a space.
            self.whole(2 * count - 1 if count > 0 else count, 1, 'digits')
            start = self.position
            end = self.data.find(b'\n', start) if count else start
            end = len(self.data) if end < 0 else end
            words = self.data[start:end].split()
            if len(words) != count:
                raise FormatError(
                    f'byte {start}: {len(words)} elements instead of {count}'
                )
            try:
                whole = np.issubdtype(dtype, np.integer)
                values = [(int if whole else float)(word) for word in words]
                array = np.array(values, dtype=dtype)
            except (ValueError, OverflowError):
                raise FormatError(f'byte {start}: numbers are expected') from None
            self.position = end
        if count:
            self._end_line()
        return array

    def at_end(self) -> bool:
        """Whether nothing but white space follows."""
        return not self.data[self.position :].strip()


_INT = struct.Struct('<i')
_DOUBLE = struct.Struct('<d')
