"""The elements of a variable of a MATLAB version 5 file, seen to be what scipy takes.

scipy's reader takes an element's type for an index into a table, without looking
whether it is one, and makes room for as many cells as a file claims.
"""

import math
import struct

_INTEGERS, _MATRIX, _FLAGS = 5, 14, 6
_PLAIN = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 16, 17, 18))
# Classes: text, sparse, and numbers of ten kinds.
_TEXT, _SPARSE, _LAST_NUMBERS = 4, 5, 15
_OPAQUE = 17
# Arrays in arrays; the release of MPII has a dozen.
_MOST_NESTED = 100


def check_elements(content: bytes, order: str) -> None:
    """Check a variable before scipy reads it.

    Args:
        content (bytes): The variable's array with its tag, unfolded.
        order (str): ``'<'`` or ``'>'``, the order of its bytes.

    Raises:
        ValueError: If an element is of a type that its array cannot have, reaches
            beyond it, or is lacking; or an array claims more cells than it has bytes,
            or they nest too deeply.
    """
    tag = struct.Struct(f'{order}II')
    if len(content) < tag.size or tag.unpack_from(content)[0] != _MATRIX:
        raise ValueError('a variable that is no array')
    waiting = [(tag.size, len(content), 1)]
    while waiting:
        start, end, depth = waiting.pop()
        if start == end:
            continue  # MATLAB's way to write an empty array
        if depth > _MOST_NESTED:
            raise ValueError(f'arrays nest deeper than {_MOST_NESTED}')
        plain, inner = [], 0
        at = start
        while at < end:
            if end - at < tag.size:
                raise ValueError(f'an element is cut short at byte {at}')
            kind, size = tag.unpack_from(content, at)
            if kind >> 16:  # up to four bytes, within the tag
                kind, size, begin, following = kind & 0xFFFF, kind >> 16, at + 4, at + 8
                fits = size <= 4
            else:
                begin = at + tag.size
                following = begin + size + -size % 8
                fits = begin + size <= end
            if not fits or (kind not in _PLAIN and kind != _MATRIX):
                raise ValueError(f'an element of type {kind} and {size} bytes at {at}')
            if kind == _MATRIX:
                waiting.append((begin, begin + size, depth + 1))
                inner += 1
            elif len(plain) < 7:
                plain.append((kind, begin, size))
            at = following
        _check_array(content, order, plain, inner, end - start)


def _check_array(
    content: bytes,
    order: str,
    plain: list[tuple[int, int, int]],
    inner: int,
    size: int,
) -> None:
    """Check what an array is made of: types, places and sizes of its elements."""
    if not plain or plain[0][0] != _FLAGS or plain[0][2] != 8:
        raise ValueError('an array without flags')
    (flags,) = struct.unpack_from(f'{order}I', content, plain[0][1])
    kind, is_complex = flags & 0xFF, bool(flags & 0x800)
    if kind > _OPAQUE:
        raise ValueError(f'an array of class {kind}')
    # Flags, sizes, name and content; a sparse one has its rows and columns, too.
    wanted = (6 if kind == _SPARSE else 4) + is_complex
    if _TEXT <= kind <= _LAST_NUMBERS and (inner or len(plain) < wanted):
        raise ValueError(f'an array of class {kind} without its content')
    if kind in (_OPAQUE, _SPARSE):
        return
    if len(plain) < 2 or plain[1][0] not in (_INTEGERS, _FLAGS):
        raise ValueError('an array without sizes')
    _, begin, length = plain[1]
    sides = struct.unpack_from(f'{order}{length // 4}i', content, begin)
    if min(sides, default=0) < 0 or math.prod(sides) > size:
        raise ValueError(f'an array of {sides} cells in {size} bytes')
