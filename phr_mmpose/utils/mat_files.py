"""MATLAB's files before version 7.3, looked at before they are unfolded."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import scipy.io
from scipy.io.matlab import matfile_version

# MATLAB itself writes no larger variable in these versions.
_MOST_BYTES = 2**31
_HEADER_BYTES = 128
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
    # Version 4 does not compress.
    sizes = _unfolded_sizes(path) if version == 1 else None
    variables = scipy.io.whosmat(path)
    sizes = sizes or [0] * len(variables)
    names = [
        name
        for (name, shape, _), size in zip(variables, sizes, strict=True)
        if choose(name, shape, size)
    ]
    if not names:
        return {}
    content = scipy.io.loadmat(path, variable_names=names, **options)
    return {name: content[name] for name in names if name in content}


def _unfolded_sizes(path: str | Path) -> list[int]:
    """Count the bytes of each variable of a version 5 file, without keeping them."""
    sizes = []
    with open(path, 'rb') as file:
        order = '<' if file.read(_HEADER_BYTES).endswith(b'IM') else '>'
        while len(tag := file.read(8)) == 8:
            kind, size = struct.unpack(f'{order}II', tag)
            if kind != _COMPRESSED:
                file.seek(size, 1)
                sizes.append(size)
                continue
            end = file.tell() + size
            left = _MOST_BYTES - sum(sizes)
            sizes.append(_unfolded_size(file.read(size), left))
            file.seek(end)
    return sizes


def _unfolded_size(content: bytes, most: int) -> int:
    size, unfolding = 0, zlib.decompressobj()
    while content:
        size += len(unfolding.decompress(content, _PIECE))
        if size > most:
            raise ValueError(f'it unfolds to more than {_MOST_BYTES >> 20} MB')
        content = unfolding.unconsumed_tail
    return size
