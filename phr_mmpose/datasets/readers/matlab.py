"""MATLAB files, read without surprises."""

import os
from pathlib import Path

import numpy as np

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.mat_files import load_mat

# MPII's release has far less.
_MOST_BYTES = 2**30


def load_mat_variable(path: str | Path, name: str, **options) -> np.ndarray:
    """Read one variable of a ``.mat`` file (version 4 to 7).

    Args:
        path (str | Path): The file.
        name (str): The variable.
        **options: Of ``scipy.io.loadmat``.

    Returns:
        np.ndarray: The variable.

    Raises:
        UserError: If the file is missing, of another kind or version, damaged,
            or lacks the variable.
    """
    if not os.path.isfile(path):
        raise UserError(f'{path}: no such file')
    held = []

    def choose(other: str, shape: tuple[int, ...], size: int) -> bool:
        held.append(other)
        if other == name and size > _MOST_BYTES:
            raise ValueError(f'"{name}" unfolds to more than {_MOST_BYTES >> 20} MB')
        return other == name

    try:
        content = load_mat(path, choose, **options)
    except NotImplementedError:
        raise UserError(
            f'{path}: MATLAB version 7.3; save it again with save(…, "-v7")'
        ) from None
    except Exception as error:
        # scipy raises a different exception for nearly every kind of damage.
        raise UserError(
            f'{path}: not a readable .mat file ({type(error).__name__}: {error}); '
            'fetch it again'
        ) from None
    if name not in content:
        others = ', '.join(held) or 'nothing'
        raise UserError(
            f'{path}: has no variable "{name}" (it holds {others}); '
            'give the file of the data set'
        )
    return content[name]
