"""Joint names and orders of MPII and LSP, and the maps between them.

A model predicts MPII's 16 joints, of which a data set with fewer gives the others no
weight, or LSP's own 14. What else is known of them is in ``configs/_base_/joints``,
whose order must be the one here. The indices below are 0-based; MPII's and LSP's own
files count from 1.
"""

import numpy as np

from phr_mmpose.utils.config import config_folder

# PCKh's reference length as a share of the head box's diagonal (MPII).
_HEAD_SIZE_SHARE = 0.6

MPII_JOINTS = (
    'right_ankle',
    'right_knee',
    'right_hip',
    'left_hip',
    'left_knee',
    'left_ankle',
    'pelvis',
    'thorax',
    'upper_neck',
    'head_top',
    'right_wrist',
    'right_elbow',
    'right_shoulder',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
)

LSP_JOINTS = (
    'right_ankle',
    'right_knee',
    'right_hip',
    'left_hip',
    'left_knee',
    'left_ankle',
    'right_wrist',
    'right_elbow',
    'right_shoulder',
    'left_shoulder',
    'left_elbow',
    'left_wrist',
    'upper_neck',
    'head_top',
)

# The datasets' own names differ for one point: LSP says "neck", MPII "upper
# neck". The authors' released code treats them as the same joint, and so do the
# names above; the index maps follow from the names.
LSP_TO_MPII = tuple(MPII_JOINTS.index(name) for name in LSP_JOINTS)
"""tuple[int]: For each LSP joint its index in MPII's order."""


def lsp_to_mpii(values: np.ndarray, fill: float = 0) -> np.ndarray:
    """Reorder per-joint values from LSP's 14 to MPII's 16 joints.

    Args:
        values (np.ndarray): Shape (N, 14, ...).
        fill (float): Value for pelvis and thorax, which LSP lacks. Defaults
            to 0, which also makes weights of these joints 0.

    Returns:
        np.ndarray: Shape (N, 16, ...), the same dtype.
    """
    shape = (values.shape[0], len(MPII_JOINTS), *values.shape[2:])
    out = np.full(shape, fill, dtype=values.dtype)
    out[:, list(LSP_TO_MPII)] = values
    return out


def mpii_to_lsp(values: np.ndarray) -> np.ndarray:
    """Pick LSP's 14 joints out of MPII's 16.

    Args:
        values (np.ndarray): Shape (N, 16, ...).

    Returns:
        np.ndarray: Shape (N, 14, ...).
    """
    return values[:, list(LSP_TO_MPII)]


def head_sizes(head_boxes: np.ndarray) -> np.ndarray:
    """Measure each person's head, the reference length of PCKh on MPII.

    Args:
        head_boxes (np.ndarray): Shape (N, 4): x1, y1, x2, y2.

    Returns:
        np.ndarray: Shape (N,): 0.6 x the box's diagonal, in its pixels.
    """
    boxes = np.asarray(head_boxes, np.float64).reshape(-1, 4)
    return _HEAD_SIZE_SHARE * np.linalg.norm(boxes[:, 2:] - boxes[:, :2], axis=1)


def _metainfo(name: str) -> dict:
    return {'from_file': str(config_folder() / '_base_' / 'joints' / f'{name}.py')}


# As MMPose's data sets have it: what is known of the joints is in a config.
MPII_METAINFO = _metainfo('mpii')
FIGURES_METAINFO = _metainfo('figures')
LSP_METAINFO = _metainfo('lsp16')
LSP14_METAINFO = _metainfo('lsp14')
LSPET_METAINFO = _metainfo('lspet16')
LSPET14_METAINFO = _metainfo('lspet14')
