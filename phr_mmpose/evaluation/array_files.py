"""Arrays out of files of any common kind, whichever way round they lie."""

import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from phr_mmpose.utils.errors import UserError, first_line
from phr_mmpose.utils.json_files import read_json

# Result files may carry heat maps beside the joints; those are not joints.
_MAX_NUMBERS = 50_000_000


def read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    """Read all numeric arrays of a file.

    Args:
        path (str | Path): ``.mat`` (any version), ``.h5``/``.hdf5``, ``.npz``,
            ``.npy`` or ``.json`` (nested lists, an object of such lists, or a
            list of objects whose entries are stacked). Nothing is unpickled.

    Returns:
        dict[str, np.ndarray]: Real arrays by name, in float64; the name is
        ``''`` where the file has none.

    Raises:
        UserError: If the file is missing, of another kind, damaged, or holds no
            numeric array.
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
    try:
        content = scipy.io.loadmat(path)
    except NotImplementedError:
        # Version 7.3 is HDF5.
        return _read_h5(path)
    return _numeric({k: v for k, v in content.items() if not k.startswith('__')})


def _read_h5(path: Path) -> dict[str, np.ndarray]:
    found = {}

    def keep(name: str, item: object) -> None:
        # MATLAB keeps cells under '#refs#'.
        own = isinstance(item, h5py.Dataset) and not name.startswith('#')
        if own and item.dtype.kind in 'iuf' and item.size <= _MAX_NUMBERS:
            found[name] = item[()]

    with h5py.File(path) as file:
        file.visititems(keep)
    return _numeric(found)


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as content:
        if not isinstance(content, np.lib.npyio.NpzFile):
            raise zipfile.BadZipFile('not an archive')
        return _numeric(dict(content))


def _read_npy(path: Path) -> dict[str, np.ndarray]:
    return _numeric({'': np.load(path, allow_pickle=False)})


def _read_json(path: Path) -> dict[str, np.ndarray]:
    content = read_json(path, 'give an array of numbers')
    if isinstance(content, list) and content and isinstance(content[0], dict):
        keys = set(content[0]).intersection(*content[1:])
        content = {key: [entry[key] for entry in content] for key in sorted(keys)}
    if not isinstance(content, dict):
        content = {'': content}
    found = {}
    for key, value in content.items():
        try:
            # null becomes NaN: a joint without prediction.
            found[key] = np.array(value, dtype=np.float64)
        except (TypeError, ValueError):
            continue
    return found


def _numeric(arrays: dict[str, object]) -> dict[str, np.ndarray]:
    """Keep real numbers, as float64: unsigned ones would wrap when subtracted."""
    found = {name: np.asarray(array) for name, array in arrays.items()}
    return {
        name: array.astype(np.float64)
        for name, array in found.items()
        if array.dtype.kind in 'iuf' and array.size <= _MAX_NUMBERS
    }


_READERS: dict[str, Callable[[Path], dict[str, np.ndarray]]] = {
    '.mat': _read_mat,
    '.h5': _read_h5,
    '.hdf5': _read_h5,
    '.npz': _read_npz,
    '.npy': _read_npy,
    '.json': _read_json,
}
