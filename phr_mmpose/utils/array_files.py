"""Arrays out of files of any common kind, whichever way round they lie."""

import math
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import permutations
from pathlib import Path

import h5py
import numpy as np

from phr_mmpose.utils.errors import UserError, first_line
from phr_mmpose.utils.json_files import read_json
from phr_mmpose.utils.mat_files import load_mat

# Result files may carry heat maps beside the joints; those are not joints, of which
# all of MPII has 1.2 million numbers.
_MAX_NUMBERS = 10_000_000
# Of all arrays that are no heat maps.
_MAX_TOTAL = 50_000_000
# Of the largest numbers, with the header of a file in an archive.
_MAX_BYTES = 16 * _MAX_NUMBERS + 2**20


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read all numeric arrays of a file.

    Args:
        path (str | Path): ``.mat`` (any version), ``.h5``/``.hdf5``, ``.npz``,
            ``.npy`` or ``.json`` (nested lists, an object of such lists, or a
            list of objects whose entries are stacked). Nothing is unpickled, and
            no other file is followed to.

    Returns:
        dict[str, np.ndarray]: Real arrays of up to ten million numbers by name,
        in float64; the name is ``''`` where the file has none.

    Raises:
        UserError: If the file is missing, of another kind, damaged, holds no
            numeric array, or arrays of more than 50 million numbers together.
    """
    path = Path(path)
    if not os.path.isfile(path):
        raise UserError(f'{path}: no such file')
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise UserError(
            f'{path}: cannot read {path.suffix or "a file without suffix"}; '
            f'give one of {", ".join(_READERS)}'
        )
    try:
        arrays = reader(path)
    except UserError:
        raise
    except Exception as error:
        # The libraries raise a different exception for nearly every damage.
        raise UserError(
            f'{path}: not a readable {path.suffix} file ({first_line(error)})'
        ) from None
    if not arrays:
        raise UserError(f'{path}: holds no numeric array')
    return arrays


def describe(arrays: dict[str, np.ndarray]) -> str:
    """List names and shapes for an error message.

    Args:
        arrays (dict[str, np.ndarray]): From :func:`read_arrays`.

    Returns:
        str: Such as ``preds 1000 x 14 x 2, scores 1000 x 14``.
    """
    return ', '.join(
        f'{name or "an array"} {" x ".join(map(str, array.shape)) or "(one number)"}'
        for name, array in arrays.items()
    )


def arrangements(
    array: np.ndarray, shape: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], np.ndarray]]:
    """Find every order of an array's axes that gives the wanted shape.

    Axes of length 1 are ignored on both sides: MATLAB drops them at the end.

    Args:
        array (np.ndarray): Any array.
        shape (Sequence[int]): The wanted shape.

    Yields:
        tuple: For each wanted axis longer than 1, in order, which of the
        array's own such axes it is; and the array in the wanted shape.
    """
    core = array.squeeze()
    wanted = tuple(size for size in shape if size != 1)
    if core.ndim != len(wanted):
        return
    for order in permutations(range(core.ndim)):
        if tuple(core.shape[axis] for axis in order) == wanted:
            yield order, core.transpose(order).reshape(shape)


def _read_mat(path: Path) -> dict[str, np.ndarray]:
    def choose(name: str, shape: tuple[int, ...], size: int) -> bool:
        return (
            not name.startswith('__')
            and math.prod(shape) <= _MAX_NUMBERS
            and size <= _MAX_BYTES
        )

    try:
        content = load_mat(path, choose)
    except NotImplementedError:
        # Version 7.3 is HDF5.
        return _read_h5(path)
    return _numeric(content.items())


def _read_h5(path: Path) -> dict[str, np.ndarray]:
    names = []

    def keep(name: str, item: object) -> None:
        # MATLAB keeps cells under '#refs#'.
        if not isinstance(item, h5py.Dataset) or name.startswith('#'):
            return
        if item.external or item.is_virtual:
            raise ValueError(f'{name} lies in other files')
        # A chunk is unfolded as a whole, whatever part of it the array has.
        size = max(item.size or 0, math.prod(item.chunks or ()))
        if item.dtype.kind in 'iuf' and size <= _MAX_NUMBERS:
            names.append(name)

    with h5py.File(path) as file:
        file.visititems(keep)
        return _numeric((name, file[name][()]) for name in names)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as content:
        if not isinstance(content, np.lib.npyio.NpzFile):
            raise zipfile.BadZipFile('not an archive')
        entries = content.zip.infolist()
        sizes = {entry.filename.removesuffix('.npy'): entry for entry in entries}
        return _numeric(
            (name, content[name])
            for name in content.files
            if sizes[name].file_size <= _MAX_BYTES
        )


def _read_npy(path: Path) -> dict[str, np.ndarray]:
    # Mapped: an array that is larger than the file is noticed.
    return _numeric([('', np.load(path, mmap_mode='r', allow_pickle=False))])


def _read_json(path: Path) -> dict[str, np.ndarray]:
    content = read_json(path, 'give an array of numbers')
    if isinstance(content, list) and content and isinstance(content[0], dict):
        keys = set(content[0]).intersection(*content[1:])
        content = {key: [entry[key] for entry in content] for key in sorted(keys)}
    if not isinstance(content, dict):
        content = {'': content}
    return _numeric(_stacked(content))


def _stacked(content: dict) -> Iterator[tuple[str, np.ndarray]]:
    for key, value in content.items():
        try:
            yield key, _stack(value)
        except (TypeError, ValueError):
            continue


def _stack(value: object) -> np.ndarray:
    """Make an array of nested lists; null becomes NaN: what was not predicted.

    It may stand for a coordinate, a joint or a person.
    """
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        if not isinstance(value, list):
            raise
    parts = [_stack(part) for part in value]
    shape = max((part.shape for part in parts), key=len)
    # Each null takes four letters of the file, however much it stands for.
    if len(parts) * math.prod(shape) > _MAX_NUMBERS:
        raise ValueError(f'an array of more than {_MAX_NUMBERS:,} numbers')
    return np.stack(
        [
            np.full(shape, np.nan)
            if part.ndim < len(shape) and np.isnan(part).all()
            else part
            for part in parts
        ]
    )


def _numeric(arrays: Iterable[tuple[str, object]]) -> dict[str, np.ndarray]:
    """Keep real numbers, as float64: unsigned ones would wrap when subtracted."""
    found, total = {}, 0
    for name, value in arrays:
        array = np.asarray(value)
        if array.dtype.kind in 'iuf' and array.size <= _MAX_NUMBERS:
            found[name] = array.astype(np.float64)
            total += array.size
        if total > _MAX_TOTAL:
            raise ValueError(f'arrays of more than {_MAX_TOTAL:,} numbers')
    return found


_READERS: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
    '.mat': _read_mat,
    '.h5': _read_h5,
    '.hdf5': _read_h5,
    '.npz': _read_npz,
    '.npy': _read_npy,
    '.json': _read_json,
}
