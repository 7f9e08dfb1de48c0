"""What the header of a WebP says, without decoding it."""

from collections.abc import Iterator

from phr_mmpose.datasets.orientation import PhotoHeader, read_orientation

_HEAD = 12  # 'RIFF', size, 'WEBP'
_LOSSLESS_SIGN = b'\x2f'
_LOSSY_SIGN = b'\x9d\x01\x2a'


def is_webp(content: bytes) -> bool:
    """Whether a file says that it is a WebP.

    Args:
        content (bytes): The file's content.

    Returns:
        bool: Whether it begins as one.
    """
    return content[:4] == b'RIFF' and content[8:_HEAD] == b'WEBP'


def read_header(content: bytes) -> PhotoHeader | None:
    """Read size and orientation.

    Args:
        content (bytes): The file's content.

    Returns:
        PhotoHeader | None: None where there is no size.
    """
    size, orientation = None, 1
    for kind, start, end in _chunks(content):
        if kind == b'EXIF':
            orientation = read_orientation(content[start:end])
        else:
            size = size or _size(kind, content[start : min(end, start + 10)])
    return PhotoHeader(*size, orientation) if size else None


def is_whole(content: bytes) -> bool:
    """Whether the file is as long as it says.

    Args:
        content (bytes): The file's content.

    Returns:
        bool: False if it ends early.
    """
    return len(content) >= 8 + int.from_bytes(content[4:8], 'little')


def _size(kind: bytes, data: bytes) -> tuple[int, int] | None:
    """Read width and height out of a chunk that has them."""
    if kind == b'VP8X':  # 24 bits each, less one
        return tuple(int.from_bytes(data[at : at + 3], 'little') + 1 for at in (4, 7))
    if kind == b'VP8L' and data[:1] == _LOSSLESS_SIGN:  # 14 bits each, less one
        bits = int.from_bytes(data[1:5], 'little')
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b'VP8 ' and data[3:6] == _LOSSY_SIGN:  # 14 bits each, then a scale
        return tuple(
            int.from_bytes(data[at : at + 2], 'little') & 0x3FFF for at in (6, 8)
        )
    return None


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give kind, first byte and end of each chunk."""
    position = _HEAD
    while position + 8 <= len(content):
        start = position + 8
        end = start + int.from_bytes(content[position + 4 : start], 'little')
        yield content[position : position + 4], start, end
        position = end + end % 2
