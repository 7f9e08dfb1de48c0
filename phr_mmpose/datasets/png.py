"""What the header of a PNG says, without decoding it."""

from collections.abc import Iterator

from phr_mmpose.datasets.orientation import PhotoHeader, read_orientation

START = b'\x89PNG\r\n\x1a\n'


def read_header(content: bytes) -> PhotoHeader | None:
    """Read size and orientation.

    Args:
        content (bytes): The file's content.

    Returns:
        PhotoHeader | None: None where there is no size.
    """
    size, orientation = None, 1
    for kind, start, end in _chunks(content):
        if kind == b'IHDR' and size is None:
            width = int.from_bytes(content[start : start + 4], 'big')
            height = int.from_bytes(content[start + 4 : start + 8], 'big')
            size = (width, height)
        elif kind == b'eXIf':
            orientation = read_orientation(content[start:end])
    return PhotoHeader(*size, orientation) if size else None


def is_deep(content: bytes) -> bool:
    """Whether a file has 16 bits for each colour.

    Args:
        content (bytes): The file's content.

    Returns:
        bool: False for any other kind of file.
    """
    return content.startswith(START) and content[24:25] == b'\x10'


def is_whole(content: bytes) -> bool:
    """Whether the last chunk is there.

    Args:
        content (bytes): The file's content.

    Returns:
        bool: False if the file ends early.
    """
    return any(kind == b'IEND' for kind, _, _ in _chunks(content))


def _chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Give kind, first byte and end of each chunk."""
    position = len(START)
    while position + 8 <= len(content):
        start = position + 8
        end = start + int.from_bytes(content[position : position + 4], 'big')
        yield content[position + 4 : start], start, end
        position = end + 4  # its check sum
