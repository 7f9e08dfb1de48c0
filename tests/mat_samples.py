"""MATLAB files as MATLAB writes them."""

from pathlib import Path

import h5py
import numpy as np


def save_mat73(path: Path, variables: dict[str, np.ndarray]) -> Path:
    """Save arrays as version 7.3: HDF5 after 512 bytes, with the axes in reverse."""
    with h5py.File(path, 'w', userblock_size=512) as file:
        for name, array in variables.items():
            file[name] = array.T
    header = b'MATLAB 7.3 MAT-file, HDF5 schema 1.00 .'.ljust(124) + b'\x00\x02IM'
    with open(path, 'r+b') as file:
        file.write(header)
    return path
