"""JPEG: what the header says, and decoding that sees where the data end early."""

import io
import re
from collections.abc import Iterator

import cv2
import numpy as np
from PIL.JpegImagePlugin import JpegImageFile

from phr_mmpose.datasets.opencv_decoding import imdecode
from phr_mmpose.datasets.orientation import PhotoHeader, read_orientation

START = b'\xff\xd8'
_END = 0xD9
_SCAN = 0xDA
_APP1 = 0xE1
# Markers without a segment: TEM, restarts, start of image.
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# Frame headers are C0 to CF but for the tables' and the arithmetic coder's.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXIF = b'Exif\0\0'
# Within a scan 0xFF is followed by 0, or by a restart marker.
_AFTER_SCAN = re.compile(rb'\xff[^\x00\xff\xd0-\xd7]')
# What decoders show where a scan has no data: middle grey; of CMYK less.
_FILLINGS = frozenset(bytes([level] * 3) for level in (128, 65, 64))
_RESTART = re.compile(rb'\xff[\xd0-\xd7]')
_MORE_DATA = bytes(range(255))


def read_header(content: bytes) -> PhotoHeader | None:
    """Read size and orientation.

    Args:
        content (bytes): The file's content.

    Returns:
        PhotoHeader | None: None where the header does not say the size.
    """
    size = None
    exif = []
    for kind, start, end in _segments(content):
        if kind in _FRAMES and size is None:
            height = int.from_bytes(content[start + 1 : start + 3], 'big')
            width = int.from_bytes(content[start + 3 : start + 5], 'big')
            size = (width, height)
        elif kind == _APP1 and content[start : start + len(_EXIF)] == _EXIF:
            exif.append(content[start:end])
        elif kind == _SCAN:
            break
    if not size or 0 in size:
        return None
    orientation = 1
    if exif:
        orientation = read_orientation(exif[0]) if len(exif) == 1 else None
    return PhotoHeader(*size, orientation)


def is_whole(content: bytes) -> bool:
    """Whether an end-of-image marker follows a scan.

    Searching the whole file would find the marker of an embedded thumbnail, so
    segments are stepped over.

    Args:
        content (bytes): The file's content.

    Returns:
        bool: False if the file ends early.
    """
    kinds = [kind for kind, _, _ in _segments(content)]
    return _SCAN in kinds and kinds[-1] == _END


def decode(content: bytes, flag: int = cv2.IMREAD_COLOR) -> np.ndarray | None:
    """Decode a whole file, upright.

    A scan may end before the picture that the header claims is full. Decoders
    fill the rest with grey and do not tell. A picture with a corner of that grey is
    decoded again with more data at the scans' ends, which change no whole picture.

    Args:
        content (bytes): The file's content.
        flag (int): One of OpenCV's for colours, perhaps at a reduced size.

    Returns:
        np.ndarray | None: Shape (H, W, 3), BGR, uint8; None where it cannot be
        decoded, or its data end early.
    """
    image = imdecode(content, flag)
    if image is None:
        return None
    corners = (image[y, x].tobytes() for y in (0, -1) for x in (0, -1))
    filled = not _FILLINGS.isdisjoint(corners)
    if filled and _coarse(content) != _coarse(_with_more(content)):
        return None
    return image


def _coarse(content: bytes) -> bytes | None:
    """Decode at an eighth of the size, by Pillow: OpenCV would warn of more data."""
    try:
        image = JpegImageFile(io.BytesIO(content))
        image.draft(None, (1, 1))
        return image.tobytes()
    # Pillow raises a different exception for nearly every kind of damage.
    except Exception:
        return None


def _with_more(content: bytes) -> bytes:
    """Lengthen each scan, by restart intervals too: decoders need their numbers."""
    parts, position = [], 0
    for kind, start, end in _segments(content):
        if kind == _SCAN:
            restarts = _RESTART.findall(content, start, end)
            number = restarts[-1][1] + 1 if restarts else 0
            parts += [content[position:end], _MORE_DATA]
            for count in range(8):
                restart = 0xD0 + (number + count) % 8
                parts += [bytes((0xFF, restart)), _MORE_DATA]
            position = end
    return b''.join([*parts, content[position:]])


def _segments(content: bytes) -> Iterator[tuple[int, int, int]]:
    """Give marker, first byte and end of each segment, up to the end of the image.

    A scan's segment goes on to the end of its data. As decoders do, stray bytes
    between segments are passed over.
    """
    position = len(START)
    while (position := content.find(b'\xff', position)) >= 0:
        kind = content[position + 1 : position + 2]
        if not kind:
            return
        if kind in b'\x00\xff':  # a stray byte, or padding before a marker
            position += 1
            continue
        (kind,) = kind
        start = position + 4
        if kind == _END:
            yield kind, position, position
            return
        if kind in _ALONE:
            position += 2
            continue
        position += 2 + int.from_bytes(content[position + 2 : start], 'big')
        if kind == _SCAN:
            after = _AFTER_SCAN.search(content, position)
            position = after.start() if after else len(content)
        yield kind, start, position
