"""Joint names and orders of MPII and LSP, and the maps between them.

MPII's 16 joints are the project's common order: every model predicts them, and a
dataset with fewer joints gives the others no weight. The indices below are 0-based;
MPII's and LSP's own files count from 1.
"""

import numpy as np

# PCKh's reference length as a share of the head box's diagonal (MPII).
HEAD_SIZE_SHARE = 0.6

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

_SKELETON = (
    ('right_ankle', 'right_knee'),
    ('right_knee', 'right_hip'),
    ('left_hip', 'left_knee'),
    ('left_knee', 'left_ankle'),
    ('right_shoulder', 'right_elbow'),
    ('right_elbow', 'right_wrist'),
    ('left_shoulder', 'left_elbow'),
    ('left_elbow', 'left_wrist'),
    ('upper_neck', 'head_top'),
    ('upper_neck', 'right_shoulder'),
    ('upper_neck', 'left_shoulder'),
)
_MPII_TRUNK = (
    ('right_hip', 'pelvis'),
    ('left_hip', 'pelvis'),
    ('pelvis', 'thorax'),
    ('thorax', 'upper_neck'),
)
_LSP_TRUNK = (
    ('right_hip', 'left_hip'),
    ('right_shoulder', 'right_hip'),
    ('left_shoulder', 'left_hip'),
)

# COCO's per-joint constants for OKS; joints that COCO lacks get those of the
# face (head) or of the hips (trunk).
_SIGMAS = {
    'ankle': 0.089,
    'knee': 0.087,
    'hip': 0.107,
    'pelvis': 0.107,
    'thorax': 0.079,
    'upper_neck': 0.026,
    'head_top': 0.026,
    'wrist': 0.062,
    'elbow': 0.072,
    'shoulder': 0.079,
}
_LOWER = {'ankle', 'knee', 'hip', 'pelvis'}
# RGB, as MMPose's visualizer reads it; one hue for each side so that a swapped left
# and right shows at a glance.
_RIGHT, _LEFT, _MIDDLE = [255, 128, 0], [0, 255, 0], [51, 153, 255]


def swapped(name: str) -> str:
    """Name of a joint's mirror image.

    Args:
        name (str): A joint's name, such as ``'left_hip'``.

    Returns:
        str: The name with left and right exchanged; the same name for a joint
        on the body's midline.
    """
    if name.startswith('left_'):
        return 'right_' + name.removeprefix('left_')
    if name.startswith('right_'):
        return 'left_' + name.removeprefix('right_')
    return name


def flip_indices(names: tuple[str, ...]) -> list[int]:
    """For each joint the index of its mirror image.

    Args:
        names (tuple[str]): Joint names in order.

    Returns:
        list[int]: K indices.
    """
    return [names.index(swapped(name)) for name in names]


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


def _colour(name: str) -> list[int]:
    if name.startswith('right_'):
        return _RIGHT
    return _LEFT if name.startswith('left_') else _MIDDLE


def build_metainfo(
    dataset_name: str,
    joints: tuple[str, ...],
    unlabelled: tuple[str, ...] = (),
) -> dict:
    """Dataset description in the form that MMPose's datasets take.

    Args:
        dataset_name (str): Name of the dataset, in lower case.
        joints (tuple[str]): :data:`MPII_JOINTS` or :data:`LSP_JOINTS`.
        unlabelled (tuple[str]): Joints that the dataset never annotates; their
            joint weight is 0. Defaults to none.

    Returns:
        dict: ``dataset_name``, ``keypoint_info``, ``skeleton_info``,
        ``joint_weights`` and ``sigmas``, as ``parse_pose_metainfo`` reads them.
    """
    kinds = [name.removeprefix('left_').removeprefix('right_') for name in joints]
    trunk = _MPII_TRUNK if 'pelvis' in joints else _LSP_TRUNK
    keypoint_info = {
        index: {
            'name': name,
            'id': index,
            'color': _colour(name),
            'type': 'lower' if kind in _LOWER else 'upper',
            'swap': swapped(name) if swapped(name) != name else '',
        }
        for index, (name, kind) in enumerate(zip(joints, kinds, strict=True))
    }
    skeleton_info = {
        index: {'link': link, 'id': index, 'color': _colour(link[1])}
        for index, link in enumerate(_SKELETON + trunk)
    }
    return {
        'dataset_name': dataset_name,
        'keypoint_info': keypoint_info,
        'skeleton_info': skeleton_info,
        # The paper weights all joints alike.
        'joint_weights': [0.0 if name in unlabelled else 1.0 for name in joints],
        'sigmas': [_SIGMAS[kind] for kind in kinds],
    }


_NOT_IN_LSP = tuple(name for name in MPII_JOINTS if name not in LSP_JOINTS)

MPII_METAINFO = build_metainfo('mpii', MPII_JOINTS)
LSP_METAINFO = build_metainfo('lsp', MPII_JOINTS, unlabelled=_NOT_IN_LSP)
LSP14_METAINFO = build_metainfo('lsp', LSP_JOINTS)
LSPET_METAINFO = build_metainfo('lspet', MPII_JOINTS, unlabelled=_NOT_IN_LSP)
LSPET14_METAINFO = build_metainfo('lspet', LSP_JOINTS)
