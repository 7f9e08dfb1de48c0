"""MATLAB's files before version 7.3, looked at before they are unfolded."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import scipy.io
from scipy.io.matlab import matfile_version

from phr_mmpose.utils.mat_elements import check_elements

# MATLAB itself writes no larger variable in these versions.
_MOST_BYTES = 2**31
_HEADER_BYTES, _TAG_BYTES = 128, 8
_COMPRESSED = 15
_PIECE = 2**20

Choice = Callable[[str, tuple[int, ...], int], bool]


def load_mat(path: str | Path, choose: Choice, **options) -> dict[str, object]:
    """Read some variables of a ``.mat`` file.

    Args:
        path (str | Path): The file.
        choose (Callable): Told of each variable its name, its shape and the bytes
            that it unfolds to; says whether it is read.
        **options: Of ``scipy.io.loadmat``.

    Returns:
        dict[str, object]: The variables by name.

    Raises:
        NotImplementedError: If it is of version 7.3, which is HDF5.
        Exception: Another one for nearly every kind of damage, as scipy raises;
            ``ValueError`` if it unfolds to more than 2 GB.
    """
    version, _ = matfile_version(str(path))
    variables = scipy.io.whosmat(path)
    # Version 4 does not compress, and its arrays are plain.
    elements = _read_elements(path) if version == 1 else [None] * len(variables)
    chosen, refused = {}, set()
    for (name, shape, _), element in zip(variables, elements, strict=True):
        if choose(name, shape, element.unfolded if element else 0):
            chosen.setdefault(name, []).append(element)
        else:
            refused.add(name)
    # scipy takes all variables of a name.
    names = [name for name in chosen if name not in refused]
    if not names:
        return {}
    if version == 1:
        _check_elements(path, [each for name in names for each in chosen[name]])
    content = scipy.io.loadmat(path, variable_names=names, **options)
    return {name: content[name] for name in names if name in content}


@dataclass
class _Element:
    """Where a variable of a version 5 file is, and the bytes that it unfolds to."""

    order: str
    compressed: bool
    start: int
    size: int
    unfolded: int


def _read_elements(path: str | Path) -> list[_Element]:
    """Find the variables of a version 5 file, without keeping them."""
    elements = []
    with open(path, 'rb') as file:
        order = '<' if file.read(_HEADER_BYTES).endswith(b'IM') else '>'
        while len(tag := file.read(_TAG_BYTES)) == _TAG_BYTES:
            kind, size = struct.unpack(f'{order}II', tag)
            compressed, start = kind == _COMPRESSED, file.tell()
            unfolded = size
            if compressed:
                left = _MOST_BYTES - sum(each.unfolded for each in elements)
                unfolded = _unfolded_size(file.read(size), left)
            elements.append(_Element(order, compressed, start, size, unfolded))
            file.seek(start + size)
    return elements


def _check_elements(path: str | Path, elements: list[_Element]) -> None:
    with open(path, 'rb') as file:
        for each in elements:
            if each.compressed:
                file.seek(each.start)
                content = zlib.decompress(file.read(each.size))
            else:
                file.seek(each.start - _TAG_BYTES)
                content = file.read(_TAG_BYTES + each.size)
            check_elements(content, each.order)


def _unfolded_size(content: bytes, most: int) -> int:
    size, unfolding = 0, zlib.decompressobj()
    while content:
        size += len(unfolding.decompress(content, _PIECE))
        if size > most:
            raise ValueError(f'it unfolds to more than {_MOST_BYTES >> 20} MB')
        content = unfolding.unconsumed_tail
    return size
