"""What the header of a JPEG says, without decoding it."""

from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

START = b'\xff\xd8'
_END = b'\xff\xd9'
_SCAN = 0xDA
_APP1 = 0xE1
# Frame headers are C0 to CF but for the tables' and the arithmetic coder's.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXIF = b'Exif\0\0'
_ORIENTATION = 0x0112


class JpegHeader(NamedTuple):
    """Size and orientation of a JPEG.

    Attributes:
        width (int): Pixels of a row as stored.
        height (int): Rows as stored.
        orientation (int): EXIF orientation, 1 (as stored) to 8.
    """

    width: int
    height: int
    orientation: int


def is_whole(content: bytes) -> bool:
    """Whether an end-of-image marker follows the start of the first scan.

    Searching the whole file would find the marker of an embedded thumbnail, so
    the header's segments are stepped over. Within a scan 0xFF is always escaped,
    so the marker cannot occur by chance.

    Args:
        content (bytes): The file's content.

    Returns:
        bool: False if the file ends early.
    """
    for kind, _, end in _segments(content):
        if kind == _SCAN:
            return content.rfind(_END) >= end
    return False


def read_header(content: bytes) -> JpegHeader | None:
    """Read size and orientation.

    Args:
        content (bytes): The file's content.

    Returns:
        JpegHeader | None: None where the header does not say it beyond doubt.
    """
    size = None
    exif = []
    for kind, start, end in _segments(content):
        if kind in _FRAMES:
            height = int.from_bytes(content[start + 1 : start + 3], 'big')
            width = int.from_bytes(content[start + 3 : start + 5], 'big')
            size = (width, height)
        elif kind == _APP1 and content[start : start + len(_EXIF)] == _EXIF:
            exif.append(content[start:end])
        elif kind == _SCAN:
            break
    if not size or 0 in size or len(exif) > 1:
        return None
    orientation = _orientation(exif[0]) if exif else 1
    return JpegHeader(*size, orientation) if orientation else None


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Give marker, first byte and end of each segment up to the first scan."""
    position = 2
    while position + 4 <= len(content):
        if content[position] != 0xFF:
            return
        kind = content[position + 1]
        if kind == 0xFF:  # padding before a marker
            position += 1
            continue
        start = position + 4
        length = int.from_bytes(content[position + 2 : start], 'big')
        position += 2 + length
        yield kind, start, position
        if kind == _SCAN:
            return


def _orientation(segment: bytes) -> int | None:
    exif = Image.Exif()
    try:
        exif.load(segment)
        value = exif.get(_ORIENTATION, 1)
    except (OSError, ValueError, SyntaxError, KeyError, IndexError, TypeError):
        return None
    return value if value in range(1, 9) else None
