"""How large a person is, judged from the joints that are labelled.

LSP's photos are scaled so that the person is about 150 px long, and its protocol
crops a fixed square. LSPET's persons come in every size; to train on both, their
crops must show bodies of the same size.
"""

import numpy as np

from phr_mmpose.datasets.annotation_list import PIXELS_PER_SCALE
from phr_mmpose.datasets.joints import LSP_JOINTS

LSP_CROP = 178.0
"""float: Side in pixels of the crop of LSP's protocol (scale 0.89 x 200 px)."""

CROP_PADDING = 1.25
"""float: Crop side / box side (``GetBBoxCenterScale(padding=1.25)``)."""

LSP_SCALE = LSP_CROP / CROP_PADDING / PIXELS_PER_SCALE
"""float: Side of LSP's box in units of 200 px, as an annotation list states it."""

# Bones and torso diagonals with their median lengths over LSP's 2,000 persons,
# in pixels.
_SEGMENTS = (
    ('right_ankle', 'right_knee', 35.3),
    ('right_knee', 'right_hip', 32.6),
    ('left_hip', 'left_knee', 33.0),
    ('left_knee', 'left_ankle', 34.1),
    ('right_wrist', 'right_elbow', 20.6),
    ('right_elbow', 'right_shoulder', 22.6),
    ('left_shoulder', 'left_elbow', 22.6),
    ('left_elbow', 'left_wrist', 20.2),
    ('upper_neck', 'head_top', 18.6),
    ('right_hip', 'right_shoulder', 44.0),
    ('left_hip', 'left_shoulder', 44.2),
    ('right_hip', 'left_shoulder', 47.7),
    ('left_hip', 'right_shoulder', 47.7),
)
_STARTS = [LSP_JOINTS.index(start) for start, _, _ in _SEGMENTS]
_ENDS = [LSP_JOINTS.index(end) for _, end, _ in _SEGMENTS]
_LENGTHS = np.array([length for _, _, length in _SEGMENTS])

# The joints' box never takes more than this share of the crop's side: a
# foreshortened body's crop still holds its joints (LSP: 0.74 in the median,
# 0.86 at the 95th percentile).
_MAX_BOX_SHARE = 0.9


def relative_size(joints: np.ndarray, labelled: np.ndarray) -> np.ndarray:
    """Body size relative to the median person of LSP.

    The root of the sum of squared segment lengths over the same sum for LSP's
    median person, over the segments whose two ends are labelled. Long segments
    weigh more, which makes it steadier than medians, quantiles or means of
    ratios, or the joints' box: over LSP its logarithm has a standard deviation
    of 0.067 (box: 0.134).

    Args:
        joints (np.ndarray): Shape (N, 14, 2), pixels, LSP's joints.
        labelled (np.ndarray): Shape (N, 14), bool.

    Returns:
        np.ndarray: Shape (N,); NaN for a person without any whole segment.
    """
    squared = ((joints[:, _STARTS] - joints[:, _ENDS]) ** 2).sum(axis=-1)
    whole = labelled[:, _STARTS] & labelled[:, _ENDS]
    reference = (whole * _LENGTHS**2).sum(axis=1)
    reference = np.where(reference > 0, reference, np.nan)
    return np.sqrt((whole * squared).sum(axis=1) / reference)


def joint_boxes(
    joints: np.ndarray, labelled: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Centre and scale of boxes whose crops show bodies as large as LSP's.

    The centre is the middle of the labelled joints' box; the scale follows from
    :func:`relative_size`, enlarged where the labelled joints need more room.

    Args:
        joints (np.ndarray): Shape (N, 14, 2), pixels, LSP's joints.
        labelled (np.ndarray): Shape (N, 14), bool.

    Returns:
        tuple[np.ndarray, np.ndarray]: Centres (N, 2) in the joints' pixels and
        scales (N,) in units of 200 px. NaN for a person with no labelled joint;
        the scale of LSP's protocol where the size cannot be judged.
    """
    any_label = labelled.any(axis=1)
    low = np.where(labelled[..., None], joints, np.inf).min(axis=1)
    high = np.where(labelled[..., None], joints, -np.inf).max(axis=1)
    low[~any_label] = high[~any_label] = np.nan

    size = relative_size(joints, labelled)
    scale = LSP_SCALE * np.where(size > 0, size, 1.0)
    largest = _MAX_BOX_SHARE * CROP_PADDING * PIXELS_PER_SCALE
    needed = (high - low).max(axis=1) / largest
    scale = np.where(any_label, np.fmax(scale, needed), np.nan)
    return (low + high) / 2, scale
