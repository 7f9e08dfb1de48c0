"""``joints`` of LSP's and LSPET's ``joints.mat``, whichever way round they lie."""

from pathlib import Path

import numpy as np

from phr_mmpose.datasets.annotation_list import are_coordinates
from phr_mmpose.datasets.joints import LSP_JOINTS
from phr_mmpose.utils.array_files import arrangements, describe, read_arrays
from phr_mmpose.utils.errors import UserError

LSP_PERSONS, LSP_TRAIN_PERSONS = 2000, 1000
_NUM_JOINTS = len(LSP_JOINTS)
# The axes of persons, joints and coordinates in LSP's own array, 3 x 14 x N; in LSPET's
# own, 14 x 3 x N, and in the same array as version 7.3 (HDF5) has it.
_LSP_ORDER = (2, 1, 0)
_LSPET_ORDERS = ((2, 0, 1), (0, 2, 1))


def read_lsp_joints(path: str | Path) -> tuple[np.ndarray, bool]:
    """Read the joints of LSP or LSPET, of any number of persons.

    Args:
        path (str | Path): A ``.mat`` file of any version with ``joints``, N persons
            x 14 joints x (x, y, flag) or (x, y), in any order of these axes.

    Returns:
        tuple[np.ndarray, bool]: Shape (N, 14, 3) or (N, 14, 2), float64; and whether
        the axes lie as LSPET's own (14 x 3 x N).

    Raises:
        UserError: If the file has no such array, or its sizes leave open which axis
            is which.
    """
    arrays = read_arrays(path)
    joints = arrays.get('joints', np.empty(0))
    found = [
        each
        for numbers in (3, 2)
        for each in arrangements(
            joints, (joints.size // (_NUM_JOINTS * numbers), _NUM_JOINTS, numbers)
        )
    ]
    # A few persons may look like another axis: then LSP's own order is meant.
    found = [each for each in found if each[0] == _LSP_ORDER] or found
    if joints.ndim != 3 or len(found) != 1:
        raise UserError(
            f'{path}: not the joints.mat of LSP ("joints", 3 x 14 x 2000) or LSPET '
            f'(14 x 3 x N); it holds {describe(arrays)}'
        )
    ((order, persons),) = found
    return persons, order in _LSPET_ORDERS


def check_pixels(persons: np.ndarray, path: str | Path) -> None:
    """Refuse joints that can be no pixels of a photo.

    Args:
        persons (np.ndarray): Shape (N, 14, 2) or (N, 14, 3).
        path (str | Path): The file that they are of, named in the error.

    Raises:
        UserError: Names the first such person, from 1.
    """
    bad = ~are_coordinates(persons).all(axis=(1, 2))
    if bad.any():
        raise UserError(
            f'{path}: person {int(bad.argmax()) + 1} has joints that are no pixels of '
            'a photo (NaN, or far away); give the original file'
        )
