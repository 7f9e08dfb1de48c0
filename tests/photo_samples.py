"""Synthetic photos and samples for the tests of loading."""

import io
import struct

import cv2
import numpy as np
from PIL import Image


def smooth_photo(width: int = 203, height: int = 151, grain: int = 12) -> np.ndarray:
    """A photo-like picture (height, width, 3) without the finest detail."""
    generator = np.random.default_rng(0)
    shape = (height // grain + 2, width // grain + 2, 3)
    small = generator.integers(0, 256, shape, dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def as_jpeg(image: np.ndarray, quality: int = 98, orientation: int = 1) -> bytes:
    """Encode a BGR picture, without thinning out the colours."""
    exif = Image.Exif()
    if orientation != 1:
        exif[0x0112] = orientation
    stream = io.BytesIO()
    Image.fromarray(image[..., ::-1]).save(
        stream, 'JPEG', quality=quality, subsampling=0, exif=exif
    )
    return stream.getvalue()


def with_orientation(image: np.ndarray, kind: str, orientation: int) -> bytes:
    """Encode a BGR picture as stored, to be turned by EXIF."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    stream = io.BytesIO()
    options = {'lossless': True} if kind == 'WEBP' else {}
    Image.fromarray(image[..., ::-1]).save(stream, kind, exif=exif, **options)
    return stream.getvalue()


def opencv_turns(kind: str) -> bool:
    """Whether this OpenCV, and so MMPose, turns such a photo: 4.11 turns no WebP."""
    content = with_orientation(np.zeros((4, 6, 3), np.uint8), kind, 6)
    photo = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return photo.shape == (6, 4, 3)


def tiff(shape, bits, strips, photometric=2, planar=1, colours=None) -> bytes:
    """A TIFF by hand: (height, width), bits of each sample, strips or planes."""
    height, width = shape
    tags = {
        256: ('H', [width]),
        257: ('H', [height]),
        258: ('H', bits),
        259: ('H', [1]),
        262: ('H', [photometric]),
        273: ('I', [0] * len(strips)),
        277: ('H', [len(bits)]),
        278: ('H', [height]),
        279: ('I', [len(strip) for strip in strips]),
        284: ('H', [planar]),
    }
    if colours:
        tags[320] = ('H', colours)
    place = 8 + 2 + 12 * len(tags) + 4
    sizes = [struct.calcsize(f'<{len(v)}{kind}') for kind, v in tags.values()]
    place += sum(size for size in sizes if size > 4)
    for strip in strips:
        tags[273][1][strips.index(strip)] = place
        place += len(strip)
    entries, more = b'', b''
    for tag, (kind, values) in tags.items():
        value = struct.pack(f'<{len(values)}{kind}', *values)
        if len(value) > 4:
            at = 8 + 2 + 12 * len(tags) + 4 + len(more)
            value, more = struct.pack('<I', at), more + value
        code = {'H': 3, 'I': 4}[kind]
        entries += struct.pack('<HHI', tag, code, len(values)) + value.ljust(4, b'\0')
    head = b'II*\0' + struct.pack('<IH', 8, len(tags))
    return head + entries + b'\0\0\0\0' + more + b''.join(strips)
