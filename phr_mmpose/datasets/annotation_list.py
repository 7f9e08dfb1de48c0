"""The annotation list: one JSON format for MPII, LSP and LSPET.

A list of persons, each an object with

- ``image``: file name relative to the folder of photos;
- ``center``: ``[x, y]``, centre of the person's box;
- ``scale``: side of the person's box / 200 px (MPII: the body's height / 200);
- ``joints``: K x ``[x, y]``;
- ``joints_vis``: K x 0/1, **annotated**;
- ``joints_visible`` (optional): K x 0/1, annotated and not occluded; without it
  nobody knows which of the person's joints are hidden;
- ``head_box`` (optional): ``[x1, y1, x2, y2]``.

Coordinates are pixels of the photo counted **from 1**, as in the datasets' own
``.mat`` files. It is a superset of the widely used MPII lists, whose
``joints_vis`` means annotated and which lack ``joints_visible``.
"""

import gzip
import json
import math
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

import numpy as np

from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.json_files import read_json

PIXELS_PER_SCALE = 200.0
"""float: Side of a person's box / ``scale``, in pixels of the photo."""

# No photo reaches farther, and no person is smaller, in pixels. In float32 such a
# person's box is not empty.
_FARTHEST, _SMALLEST = 1e6, 1.0
_MEND = 'write it anew with tools/prepare_lsp.py or tools/prepare_mpii.py'


@dataclass
class AnnotationList:
    """Persons of one annotation list, in columns.

    N is the number of persons and K the number of joints. Coordinates are
    pixels of the photo, counted from 1.

    Args:
        images (list[str]): N file names.
        centers (np.ndarray): Shape (N, 2), float64.
        scales (np.ndarray): Shape (N,), float64, in units of 200 px.
        joints (np.ndarray): Shape (N, K, 2), float64.
        annotated (np.ndarray): Shape (N, K), bool.
        visible (np.ndarray): Shape (N, K), bool; annotated and not occluded.
            As ``annotated`` for a person whose visibility is unknown.
        head_boxes (np.ndarray): Shape (N, 4) as x1, y1, x2, y2, float64; NaN
            for a person without one.
        visibility_known (np.ndarray, optional): Shape (N,), bool: whether it is known
            which joints of the person are hidden. Defaults to all true.
    """

    images: list[str]
    centers: np.ndarray
    scales: np.ndarray
    joints: np.ndarray
    annotated: np.ndarray
    visible: np.ndarray
    head_boxes: np.ndarray
    visibility_known: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.visibility_known is None:
            self.visibility_known = np.ones(len(self), dtype=bool)

    def __len__(self) -> int:
        return len(self.images)


def load_annotation_list(path: str | Path, num_joints: int) -> AnnotationList:
    """Read and check an annotation list.

    Args:
        path (str | Path): ``.json`` or ``.json.gz`` file.
        num_joints (int): Number of joints K that each person must have.

    Returns:
        AnnotationList: The persons.

    Raises:
        UserError: If the file cannot be read or an entry is faulty; the line
            names the file, the entry (counted from 0) and the key.
    """
    entries = read_json(path, _MEND)
    if not isinstance(entries, list):
        raise UserError(f'{path}: expected a list of persons; {_MEND}')
    if not entries:
        raise UserError(f'{path}: holds no person; {_MEND}')

    images, rows = [], []
    for number, entry in enumerate(entries):
        try:
            image, row = _parse_person(entry, num_joints)
        except UserError as error:
            raise UserError(f'{path}: entry {number}: {error}') from None
        images.append(image)
        rows.append(row)
    columns = [np.stack(column) for column in zip(*rows, strict=True)]
    return AnnotationList(images, *columns)


def save_annotation_list(path: str | Path, annotations: AnnotationList) -> None:
    """Write an annotation list, whole or not at all.

    Args:
        path (str | Path): ``.json`` or ``.json.gz`` file.
        annotations (AnnotationList): The persons. Coordinates are kept to 3 decimals.
    """
    entries = []
    for index, image in enumerate(annotations.images):
        entry = {
            'image': image,
            'center': _rounded(annotations.centers[index]),
            'scale': round(float(annotations.scales[index]), 6),
            'joints': _rounded(annotations.joints[index]),
            'joints_vis': annotations.annotated[index].astype(int).tolist(),
        }
        if annotations.visibility_known[index]:
            entry['joints_visible'] = annotations.visible[index].astype(int).tolist()
        if not np.isnan(annotations.head_boxes[index]).any():
            entry['head_box'] = _rounded(annotations.head_boxes[index])
        entries.append(entry)
    content = json.dumps(entries, separators=(',', ':')).encode()
    if Path(path).suffix == '.gz':
        content = gzip.compress(content, mtime=0)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)


def _rounded(values: np.ndarray) -> list:
    return np.round(values, 3).tolist()


def _parse_person(entry: object, num_joints: int) -> tuple[str, tuple]:
    """Check one entry and turn it into a row of :class:`AnnotationList`.

    Returns:
        tuple: The image's name and the row (center, scale, joints, annotated,
        visible, head box, whether visibility is known).
    """
    if not isinstance(entry, dict):
        raise UserError(f'expected an object with "image", "joints" …; {_MEND}')
    image = _get(entry, 'image')
    if not isinstance(image, str) or not image:
        raise UserError(f'"image" must be a file name, not {image!r}')
    if not stays_inside(image):
        raise UserError(f'"image" must be relative to the photos, not {image!r}')

    center = _numbers(entry, 'center', (2,))
    scale = _numbers(entry, 'scale', ())
    if not _are_scales(scale):
        raise UserError(f'"scale" must be positive, not {float(scale)}')
    joints = _get(entry, 'joints')
    if isinstance(joints, list) and len(joints) != num_joints:
        raise UserError(f'"joints" has {len(joints)} joints where {num_joints} belong')
    joints = _numbers(entry, 'joints', (num_joints, 2))
    annotated = _flags(entry, 'joints_vis', num_joints)
    visible, known = annotated, entry.get('joints_visible') is not None
    if known:
        visible = _flags(entry, 'joints_visible', num_joints) & annotated
    head_box = np.full(4, np.nan)
    if entry.get('head_box') is not None:
        head_box = _numbers(entry, 'head_box', (4,))
        if head_box[2] <= head_box[0] or head_box[3] <= head_box[1]:
            raise UserError(f'"head_box" is empty: {head_box.tolist()}')
    return image, (center, scale, joints, annotated, visible, head_box, known)


def _get(entry: dict, key: str) -> object:
    if key not in entry:
        raise UserError(f'"{key}" is missing; {_MEND}')
    return entry[key]


def _numbers(entry: dict, key: str, shape: tuple[int, ...]) -> np.ndarray:
    value = _get(entry, key)
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = None
    if array is None or array.shape != shape:
        wanted = ' x '.join(map(str, shape)) + ' numbers' if shape else 'one number'
        raise UserError(f'"{key}" must hold {wanted}')
    sound = are_coordinates(array)
    if not sound.all():
        where = np.argwhere(~sound)[0]
        place = f' at {"/".join(map(str, where))}' if len(where) else ''
        raise UserError(
            f'"{key}" holds {array[tuple(where)]}{place}, which is no pixel of a '
            'photo; give an unknown joint the flag 0 and 0, 0'
        )
    return array


def _flags(entry: dict, key: str, num_joints: int) -> np.ndarray:
    array = _numbers(entry, key, (num_joints,))
    flags = array == 1
    if not (flags | (array == 0)).all():
        raise UserError(f'"{key}" may hold only 0 and 1')
    return flags


def stays_inside(image: str) -> bool:
    """Whether a photo's name stays within the folder that it is relative to.

    Args:
        image (str): The name as a list has it.

    Returns:
        bool: False for an absolute path and for one that climbs by ``..``.
    """
    path = PurePosixPath(image)
    return not path.is_absolute() and '..' not in path.parts


def are_coordinates(values: np.ndarray) -> np.ndarray:
    """Say which numbers can be pixels of a photo.

    Args:
        values (np.ndarray): Any shape.

    Returns:
        np.ndarray: The same shape, bool; false for NaN, infinity and what is farther
        away than any photo reaches.
    """
    return np.abs(values) <= _FARTHEST


def _are_scales(scales: np.ndarray) -> np.ndarray:
    return are_coordinates(scales) & (scales * PIXELS_PER_SCALE >= _SMALLEST)


def find_faults(annotations: AnnotationList) -> list[str]:
    """Say what of each person cannot be read again from a list.

    Args:
        annotations (AnnotationList): N persons, as they are to be written.

    Returns:
        list[str]: For each what is wrong; empty for a sound person.
    """
    head_boxes = np.round(annotations.head_boxes, 3)
    widths = head_boxes[:, 2:] - head_boxes[:, :2]
    scales = np.round(annotations.scales, 6)
    # NaN compares as false, and stands for no head box.
    checks = (
        (are_coordinates(annotations.centers).all(axis=1), 'position {centers}'),
        (_are_scales(scales), 'scale {scales}'),
        (are_coordinates(annotations.joints).all(axis=(1, 2)), 'a joint is no pixel'),
        (
            ~(widths <= 0).any(axis=1)
            & (are_coordinates(head_boxes) | np.isnan(head_boxes)).all(axis=1),
            'head box {head_boxes}',
        ),
    )
    faults = [''] * len(annotations)
    for sound, what in checks:
        for index in np.flatnonzero(~sound):
            faults[index] = faults[index] or what.format(
                centers=annotations.centers[index].tolist(),
                scales=annotations.scales[index],
                head_boxes=annotations.head_boxes[index].tolist(),
            )
    return faults


def occluded_share(annotations: AnnotationList) -> float:
    """Share of the annotated joints that are occluded, where that is known.

    Args:
        annotations (AnnotationList): The persons.

    Returns:
        float: Between 0 and 1; NaN without any annotated joint of a person whose
        visibility is known.
    """
    known = annotations.visibility_known
    annotated = int(annotations.annotated[known].sum())
    if not annotated:
        return math.nan
    return 1 - int(annotations.visible[known].sum()) / annotated


def select(annotations: AnnotationList, chosen: np.ndarray) -> AnnotationList:
    """Some persons of a list.

    Args:
        annotations (AnnotationList): N persons.
        chosen (np.ndarray): Indices of persons, or shape (N,) bool.

    Returns:
        AnnotationList: The chosen persons.
    """
    indices = np.arange(len(annotations))[chosen]
    images = [annotations.images[index] for index in indices]
    _, *columns = (getattr(annotations, each.name) for each in fields(annotations))
    return AnnotationList(images, *(column[indices] for column in columns))
