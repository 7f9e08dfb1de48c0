"""What an annotation list knows about one person of a photo."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phr_mmpose.datasets.annotation_list import (
    PIXELS_PER_SCALE,
    AnnotationList,
    load_annotation_list,
)
from phr_mmpose.datasets.body.mpii_part_dataset import center_shift
from phr_mmpose.datasets.joints import LSP_JOINTS, MPII_JOINTS
from phr_mmpose.utils.errors import UserError

_SHORT = {'r': 'right', 'l': 'left'}
_SAME = {'neck': 'upper_neck', 'head': 'head_top'}


@dataclass
class KnownJoints:
    """One annotated person, K joints in a model's order, pixels from 0.

    Args:
        box (np.ndarray): Shape (4,), x1, y1, x2, y2, as the data set of the
            list takes it.
        joints (np.ndarray): Shape (K, 2); NaN where not annotated.
        occluded (np.ndarray | None): Shape (K,), true where annotated and hidden;
            None where the list does not say what is hidden.
    """

    box: np.ndarray
    joints: np.ndarray
    occluded: np.ndarray | None


def joint_index(text: str, names: Sequence[str]) -> int:
    """Find a joint by a name as people write it.

    Args:
        text (str): Such as ``'r_wrist'``, ``'left-knee'``, ``'neck'``.
        names (Sequence[str]): The model's joint names.

    Returns:
        int: The joint's index.

    Raises:
        UserError: If there is no such joint.
    """
    side, _, rest = text.strip().lower().replace('-', '_').partition('_')
    name = f'{_SHORT.get(side, side)}_{rest}' if rest else side
    name = name if name in names else _SAME.get(name, name)
    if name not in names:
        raise UserError(f"no joint '{text}'; there are {', '.join(names)}")
    return list(names).index(name)


def known_joints(
    path: str | Path,
    photo: str | Path,
    names: Sequence[str],
    box: np.ndarray | None = None,
) -> KnownJoints:
    """Look up a photo's person in an annotation list.

    Args:
        path (str | Path): The list, with LSP's 14 or MPII's 16 joints.
        photo (str | Path): The photo; its path ends in the list's name of it, or it
            is a bare file name.
        names (Sequence[str]): The model's K joint names.
        box (np.ndarray, optional): Shape (4,); of several persons of the photo
            the one nearest to its middle is taken. Default: the first.

    Returns:
        KnownJoints: The person.

    Raises:
        UserError: If the list is faulty or does not hold the photo.
    """
    annotations, listed = _load(path, names)
    found = _persons_of(annotations, Path(photo))
    if not found:
        raise UserError(f'{path}: holds no person of {photo}; give its own list')
    person = found[0]
    if box is not None:
        middle = (np.asarray(box[:2]) + box[2:]) / 2
        away = np.linalg.norm(annotations.centers[found] - 1 - middle, axis=1)
        person = found[int(away.argmin())]

    joints = np.full((len(names), 2), np.nan)
    occluded = np.zeros(len(names), bool)
    for index, name in enumerate(listed):
        if name in names and annotations.annotated[person, index]:
            own = list(names).index(name)
            # The list counts pixels from 1.
            joints[own] = annotations.joints[person, index] - 1
            occluded[own] = not annotations.visible[person, index]
    center = annotations.centers[person] - 1
    if listed is MPII_JOINTS:
        center = center + center_shift(annotations.scales[[person]])[0]
    half = annotations.scales[person] * PIXELS_PER_SCALE / 2
    return KnownJoints(
        np.hstack([center - half, center + half]),
        joints,
        occluded if annotations.visibility_known[person] else None,
    )


def _load(
    path: str | Path, names: Sequence[str]
) -> tuple[AnnotationList, Sequence[str]]:
    """Read the list, whichever of the two sets of joints it has."""
    first, second = LSP_JOINTS, MPII_JOINTS
    if len(names) == len(second):
        first, second = second, first
    try:
        return load_annotation_list(path, len(first)), first
    except UserError as error:
        try:
            return load_annotation_list(path, len(second)), second
        except UserError:
            raise error from None


def _persons_of(annotations: AnnotationList, photo: Path) -> list[int]:
    tails = ['/'.join(photo.parts[start:]) for start in range(len(photo.parts))]
    for tail in tails:
        found = [i for i, image in enumerate(annotations.images) if image == tail]
        if found:
            return found
    # In another folder a photo of that name is another one.
    if len(photo.parts) > 1:
        return []
    found = [
        i
        for i, image in enumerate(annotations.images)
        if Path(image).name == photo.name
    ]
    if len({annotations.images[i] for i in found}) > 1:
        raise UserError(f'{photo}: the list holds several of this name; give its path')
    return found
