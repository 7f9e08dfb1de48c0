"""MPII Human Pose, from the original release or from the widely used lists.

The release (``mpii_human_pose_v1_u12_1.mat``) is one struct, ``RELEASE``, with
``annolist`` (for each photo ``image.name`` and ``annorect``, one for each person:
head box ``x1`` … ``y2``, ``annopoints.point`` with ``x``, ``y``, ``id`` and
``is_visible``, ``scale``, ``objpos``), ``img_train`` (1 = joints are published)
and ``single_person`` (for each photo the numbers, from 1, of persons that stand
sufficiently apart from others). Fields are missing or empty at random;
``is_visible`` is a number, a character, or empty for upper neck and head top,
which were derived from the head box and count as visible.

The widely used lists split the published persons by photo: 22,246 persons in
14,679 photos to train on, 2,958 in 2,729 photos to validate on (Tompson et al., CVPR
2015); no photo is in both. The training list is **not** confined to ``single_person``:
12,392 of all 25,204 persons share their photo with another one of the list, at a median
distance of less than half a body's height. Un-annotated joints are (-1, -1) there.
``joints_vis`` means annotated; the lists in circulation do not say what is occluded, so
take that from the release (or use lists that carry ``joints_visible``).
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from phr_mmpose.datasets.annotation_list import (
    AnnotationList,
    find_faults,
    load_annotation_list,
    select,
)
from phr_mmpose.datasets.joints import MPII_JOINTS
from phr_mmpose.datasets.photos import inspect_photo
from phr_mmpose.datasets.readers.matlab import load_mat_variable
from phr_mmpose.datasets.readers.prepared import Source, shown
from phr_mmpose.utils.errors import UserError, first_line, one_line

COMMON_COUNTS = {'mpii_train': 22246, 'mpii_val': 2958}
"""dict[str, int]: Persons of the widely used lists."""

PERSONS = ('single', 'annotated', 'listed')
"""tuple[str]: Which persons of the release to take."""

_NUM_JOINTS = len(MPII_JOINTS)
_LIST_NAMES = {
    'mpii_train': ('mpii_train', 'train'),
    'mpii_val': ('mpii_val', 'mpii_valid', 'val', 'valid'),
}
_NUMBERS_SHOWN = 20
_UNKNOWN = -1.0  # coordinate of a joint without annotation, as in the lists


def read_mpii_lists(
    folder: str | Path, headboxes: str | Path | None = None, check_photos: bool = True
) -> Source:
    """Read the widely used JSON lists.

    Args:
        folder (str | Path): Holds ``mpii_train.json`` and ``mpii_val.json`` (also
            ``.json.gz``; ``train`` and ``valid`` do too), and perhaps ``images/``.
        headboxes (str | Path, optional): ``.mat`` file with ``headboxes_src``,
            2 x 2 x N in the order of the validation list.
        check_photos (bool): Open the photos that are at hand. Defaults to True.

    Returns:
        Source: One or two annotation lists.

    Raises:
        UserError: If there is no list, or a file is faulty.
    """
    folder = Path(folder)
    lists = {}
    for name in _LIST_NAMES:
        path = find_list(folder, name, ('.json', '.json.gz'))
        if path is not None:
            lists[name] = load_annotation_list(path, _NUM_JOINTS)
    if not lists:
        raise UserError(
            f"{folder}: neither RELEASE's .mat nor mpii_train.json(.gz) or "
            'mpii_val.json(.gz) here; give the folder that holds them'
        )
    if headboxes is not None:
        if 'mpii_val' not in lists:
            raise UserError(f'{folder}: head boxes need the validation list')
        annotations = lists['mpii_val']
        annotations.head_boxes = _read_headboxes(Path(headboxes), len(annotations))
    labels = {
        name: [f'entry {number}' for number in range(len(annotations))]
        for name, annotations in lists.items()
    }
    return _finish(folder / 'images', lists, labels, check_photos)


def read_mpii_release(
    path: str | Path,
    photos: str | Path,
    val_list: str | Path | None = None,
    train_list: str | Path | None = None,
    persons: str = 'single',
    check_photos: bool = True,
) -> Source:
    """Read the original release.

    Args:
        path (str | Path): The ``.mat`` file.
        photos (str | Path): Folder of the photos; they may be absent.
        val_list (str | Path, optional): Which photos are for validation: a JSON
            list of persons, or a ``.txt`` with one image name on each line.
            Without it every person goes to the training list.
        train_list (str | Path, optional): The same for training. Defaults to all
            other photos with published joints.
        persons (str): ``'single'`` (default): those that RELEASE calls sufficiently
            separated; ``'annotated'``: all with joints, position and scale;
            ``'listed'``: those of the two JSON lists, in their order, so that results
            can be compared with others'.
        check_photos (bool): Open the photos that are at hand. Defaults to True.

    Returns:
        Source: The training list, and with ``val_list`` the validation list, without
        persons that a list cannot hold; a note has their numbers.

    Raises:
        UserError: If a file is faulty or the options do not go together.
    """
    released, single, labels = _read_release(Path(path))
    given = {'mpii_train': train_list, 'mpii_val': val_list}
    if persons == 'listed':
        chosen = {}
        for name, listed in given.items():
            if listed is not None:
                wanted = load_annotation_list(listed, _NUM_JOINTS)
                chosen[name] = _match(released, wanted, Path(listed), Path(path))
        if not chosen:
            raise UserError(
                "persons='listed' needs the JSON lists: give --val-list or --train-list"
            )
    else:
        taken = single if persons == 'single' else np.ones(len(released), bool)
        names = np.array(released.images)
        in_val = np.isin(names, _read_image_names(val_list))
        in_train = ~in_val
        if train_list is not None:
            in_train &= np.isin(names, _read_image_names(train_list))
        chosen = {'mpii_train': np.flatnonzero(taken & in_train)}
        if val_list is not None:
            chosen['mpii_val'] = np.flatnonzero(taken & in_val)
    for name, indices in chosen.items():
        if not len(indices):
            raise UserError(
                f'{given[name] or path}: no person of the release is in {name}; '
                'give lists with image names such as 015601864.jpg'
            )
    return _finish(
        Path(photos),
        {name: select(released, indices) for name, indices in chosen.items()},
        {name: [labels[index] for index in chosen[name]] for name in chosen},
        check_photos,
    )


def find_release(folder: str | Path) -> Path | None:
    """Find the release's ``.mat`` file.

    Args:
        folder (str | Path): The file itself, or a folder that holds it.

    Returns:
        Path | None: The file; None where a folder holds no ``mpii*.mat``.
    """
    folder = Path(folder)
    if folder.suffix == '.mat':
        return folder
    return next(iter(sorted(folder.glob('mpii_human_pose*.mat'))), None)


def find_list(
    folder: Path, name: str, suffixes: tuple[str, ...] = ('.json', '.json.gz', '.txt')
) -> Path | None:
    """Find one of the two lists in a folder, under any of its usual names.

    Args:
        folder (Path): Where to look.
        name (str): ``'mpii_train'`` or ``'mpii_val'``.
        suffixes (tuple[str]): Suffixes to accept.

    Returns:
        Path | None: The file; None where there is none.
    """
    paths = (
        folder / f'{stem}{suffix}' for stem in _LIST_NAMES[name] for suffix in suffixes
    )
    return next((path for path in paths if path.is_file()), None)


def _finish(
    photos: Path,
    lists: dict[str, AnnotationList],
    labels: dict[str, list[str]],
    check_photos: bool,
) -> Source:
    """Leave out faulty persons, check the photos and put their folder first.

    ``labels`` say where in its source each person of each list is.
    """
    left_out = []
    for name in lists:
        faults = find_faults(lists[name])
        told = [
            f'{label} ({fault})'
            for label, fault in zip(labels[name], faults, strict=True)
            if fault
        ]
        if len(told) == len(faults):
            raise UserError(f'{name}: every person is faulty: {told[0]} …')
        if told:
            more = ' …' if len(told) > _NUMBERS_SHOWN else ''
            left_out.append(
                f'{name}: left out {len(told):,} faulty persons: '
                f'{", ".join(told[:_NUMBERS_SHOWN])}{more}'
            )
            lists[name] = select(lists[name], np.array([not each for each in faults]))
    named = sorted(
        {name for annotations in lists.values() for name in annotations.images}
    )
    present = [name for name in named if os.path.isfile(photos / name)]
    if check_photos:
        for name in shown(present, 'checking photos'):
            inspect_photo(photos / name)
    notes = [
        f'{name}: {len(annotations):,} persons, the widely used list has '
        f'{COMMON_COUNTS[name]:,}'
        for name, annotations in lists.items()
        if len(annotations) != COMMON_COUNTS[name]
    ]
    if 'mpii_val' not in lists:
        notes.append('no list of validation photos: nothing is kept to evaluate on')
    elif headless := int(np.isnan(lists['mpii_val'].head_boxes).any(axis=1).sum()):
        notes.append(
            f'mpii_val: {headless:,} persons have no head box, without which there is '
            "no PCKh: prepare it from the release's .mat, or give --headboxes"
        )
    absent = set(named).difference(present)
    if absent:
        notes.append(
            f'{len(absent):,} of {len(named):,} photos are not in {photos}: '
            'put them into images/mpii of the prepared folder before training'
        )
    for annotations in lists.values():
        annotations.images = [f'mpii/{name}' for name in annotations.images]
    notes += left_out
    return Source('mpii', photos, lists, {f'mpii/{name}' for name in absent}, notes)


def _read_headboxes(path: Path, count: int) -> np.ndarray:
    """Read ``headboxes_src`` (2 corners x 2 coordinates x N) as (N, 4)."""
    boxes = load_mat_variable(path, 'headboxes_src')
    if boxes.shape != (2, 2, count):
        raise UserError(
            f'{path}: "headboxes_src" is {" x ".join(map(str, boxes.shape))}; '
            f'the validation list wants 2 x 2 x {count}'
        )
    return boxes.transpose(2, 0, 1).reshape(count, 4).astype(np.float64)


def _read_image_names(path: str | Path | None) -> list[str]:
    if path is None:
        return []
    path = Path(path)
    if path.suffix != '.txt':
        return load_annotation_list(path, _NUM_JOINTS).images
    try:
        names = path.read_text().split()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'{path}: not a readable list of names ({error})') from None
    if not names:
        raise UserError(f'{path}: holds no image name')
    return names


def _match(
    released: AnnotationList, wanted: AnnotationList, path: Path, release: Path
) -> np.ndarray:
    """Find each listed person in the release by photo, position and scale.

    Returns:
        np.ndarray: Their indices in the release.
    """
    by_image: dict[str, list[int]] = {}
    placed = np.isfinite(released.centers).all(axis=1) & np.isfinite(released.scales)
    for index in np.flatnonzero(placed):
        by_image.setdefault(released.images[index], []).append(index)
    chosen = []
    for number, image in enumerate(wanted.images):
        candidates = by_image.get(image, [])
        offsets = [
            np.abs(released.centers[index] - wanted.centers[number]).max()
            + abs(released.scales[index] - wanted.scales[number])
            for index in candidates
        ]
        # Lists round positions to whole pixels and scales to 3 decimals.
        if not offsets or min(offsets) > 1:
            raise UserError(
                f'{path}: entry {number} ({image}) is not in {release}; give the list '
                'and the release that belong together'
            )
        chosen.append(candidates[int(np.argmin(offsets))])
    return np.array(chosen)


def _read_release(path: Path) -> tuple[AnnotationList, np.ndarray, list[str]]:
    """Read all persons with joints, faulty ones too.

    Returns:
        tuple[AnnotationList, np.ndarray, list[str]]: N persons; shape (N,) bool,
        whether each is sufficiently separated; photo and number of each there.
    """
    release = load_mat_variable(
        path, 'RELEASE', struct_as_record=False, squeeze_me=True
    )
    photos = _items(getattr(release, 'annolist', None))
    is_train = _items(getattr(release, 'img_train', None))
    singles = _items(getattr(release, 'single_person', None), keep_empty=True)
    if not photos or not len(photos) == len(is_train) == len(singles):
        raise UserError(
            f'{path}: RELEASE has {len(photos)} annolist, {len(is_train)} img_train '
            f'and {len(singles)} single_person entries; give the original MPII release'
        )
    images, rows, single, labels = [], [], [], []
    for place, photo in enumerate(photos):
        try:
            if is_train[place]:
                numbers = {int(number) for number in _items(singles[place])}
                for number, row in _parse_photo(photo, path):
                    images.append(_image_name(photo))
                    rows.append(row)
                    single.append(number in numbers)
                    labels.append(one_line(f'{images[-1]} person {number}'))
        except UserError:
            raise
        # A struct may lack any field, and a field hold anything.
        except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
            raise UserError(
                f'{path}: annolist({place + 1}) is not as in the original release '
                f'({first_line(error)}); fetch it again'
            ) from error
    if not rows:
        raise UserError(f'{path}: no person with joints; give the original release')
    columns = [np.stack(column) for column in zip(*rows, strict=True)]
    return AnnotationList(images, *columns), np.array(single), labels


def _image_name(photo: object) -> str:
    name = photo.image.name
    if not isinstance(name, str):
        raise TypeError('image.name is no text')
    return name


def _parse_photo(photo: object, path: Path) -> Iterator[tuple[int, tuple]]:
    """Give the persons that are complete: their numbers, from 1, and their rows."""
    for number, person in enumerate(_items(getattr(photo, 'annorect', None)), 1):
        row = _parse_person(person, path)
        if row is not None:
            yield number, row


def _parse_person(person: object, path: Path) -> tuple | None:
    """One ``annorect`` as a row of :class:`AnnotationList`; None without joints."""
    scale = _number(getattr(person, 'scale', None))
    position = getattr(person, 'objpos', None)
    center = [_number(getattr(position, axis, None)) for axis in 'xy']
    points = _items(getattr(getattr(person, 'annopoints', None), 'point', None))
    if not points:
        return None
    joints = np.full((_NUM_JOINTS, 2), _UNKNOWN)
    annotated = np.zeros(_NUM_JOINTS, dtype=bool)
    visible = np.zeros(_NUM_JOINTS, dtype=bool)
    for point in points:
        index = _number(getattr(point, 'id', None))
        if index not in range(_NUM_JOINTS):
            raise UserError(f'{path}: a joint with id {index}; MPII has 0 to 15')
        index = int(index)
        joints[index] = [_number(getattr(point, axis, None)) for axis in 'xy']
        annotated[index] = True
        flag = _number(getattr(point, 'is_visible', None))
        visible[index] = np.isnan(flag) or flag == 1
    head_box = [
        _number(getattr(person, side, None)) for side in ('x1', 'y1', 'x2', 'y2')
    ]
    return np.array(center), np.float64(scale), joints, annotated, visible, head_box


def _items(value: object, keep_empty: bool = False) -> list:
    """A MATLAB array as a list; a struct or number that was squeezed has one item."""
    if value is None:
        return []
    if not isinstance(value, np.ndarray):
        return [value]
    if value.size == 0 and keep_empty and value.dtype != object:
        return [value]  # a cell array of one empty cell
    return list(value.ravel())


def _number(value: object) -> float:
    """A MATLAB number, also one given as characters; NaN where empty."""
    if value is None or (isinstance(value, np.ndarray) and value.size != 1):
        return np.nan
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan
