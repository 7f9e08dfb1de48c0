"""What a checkpoint says of its model's joints, before anything believes it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from phr_mmpose.utils.errors import UserError

# What MMPose's parse_pose_metainfo writes and inference hands on to the pipeline,
# which would take other entries for those of a sample.
_KEYS = (
    'dataset_name',
    'num_keypoints',
    'keypoint_id2name',
    'keypoint_name2id',
    'upper_body_ids',
    'lower_body_ids',
    'flip_indices',
    'flip_pairs',
    'keypoint_colors',
    'num_skeleton_links',
    'skeleton_links',
    'skeleton_link_colors',
    'dataset_keypoint_weights',
    'sigmas',
)
_GREY = 200
_LONGEST_NAME = 100
_MOST_NUMBERS = 10_000
_INDICES = 'iu'  # kinds of numpy's numbers


def checked_joints(meta: Mapping, source: str | Path) -> dict:
    """Take what describes joints out of ``dataset_meta``.

    Letters: K joints, L links.

    Args:
        meta (Mapping): ``dataset_meta`` as a checkpoint has it.
        source (str | Path): Where it comes from.

    Returns:
        dict: The entries that MMPose writes. ``keypoint_id2name`` names the joints
        0 to K - 1, ``flip_indices`` is a permutation of them, ``skeleton_links``
        are L pairs of them; colours, grey where there are none, are K and L times
        three bytes.

    Raises:
        UserError: If one is lacking or of another form.
    """
    for key in ('keypoint_id2name', 'flip_indices', 'skeleton_links'):
        if key not in meta:
            raise UserError(
                f'{source}: its dataset_meta has no {key}; '
                'give a checkpoint of MMPose 1.x'
            )
    names = meta['keypoint_id2name']
    number = len(names) if isinstance(names, Mapping) else 0
    links = _numbers(meta['skeleton_links'], _INDICES)
    links = links if links.size else np.zeros((0, 2))
    joints = np.arange(number)
    sound = {
        'keypoint_id2name': number > 0
        and set(names) == set(joints.tolist())
        and all(isinstance(name, str) and _is_name(name) for name in names.values()),
        'flip_indices': np.array_equal(
            np.sort(_numbers(meta['flip_indices'], _INDICES)), joints
        ),
        'skeleton_links': links.shape[1:] == (2,)
        and bool(np.isin(links, joints).all()),
    }
    for key, rows in (
        ('keypoint_colors', number),
        ('skeleton_link_colors', len(links)),
    ):
        meta = {key: np.full((rows, 3), _GREY), **meta}
        colours = _numbers(meta[key])
        colours = colours if colours.size else np.zeros((0, 3))
        sound[key] = colours.shape == (rows, 3) and bool(
            ((colours >= 0) & (colours <= 255)).all()
        )
    for key, fits in sound.items():
        if not fits:
            raise UserError(
                f'{source}: {key} of its dataset_meta does not describe {number} '
                'joints as MMPose does; give a checkpoint of MMPose 1.x'
            )
    return {key: meta[key] for key in _KEYS if key in meta}


def joint_names(meta: Mapping) -> list[str]:
    """Name the joints.

    Args:
        meta (Mapping): ``dataset_meta``.

    Returns:
        list[str]: K names, in their order.
    """
    names = meta['keypoint_id2name']
    return [names[index] for index in range(len(names))]


def _is_name(text: str) -> bool:
    return text.isprintable() and 0 < len(text) <= _LONGEST_NAME


def _numbers(value: object, kinds: str = 'iuf') -> np.ndarray:
    """Read numbers of one axis or more; NaN, which no check passes, where none are."""
    try:
        array = np.atleast_1d(np.asarray(value))
    except (TypeError, ValueError):
        array = np.empty(0, object)
    if array.size == 0 and array.dtype.kind == 'f':
        return array
    # A tensor may repeat one number any number of times.
    if array.dtype.kind not in kinds or array.size > _MOST_NUMBERS:
        return np.full(1, np.nan)
    return array.astype(float)
