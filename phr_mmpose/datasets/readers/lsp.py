"""Leeds Sports Pose and its extended training set, from their own layouts.

- LSP: ``joints.mat`` with ``joints`` 3 x 14 x 2000 (x, y, flag; **flag 1 =
  occluded**, every joint annotated) and ``images/im0001.jpg`` …; persons 1 to
  1,000 are for training, 1,001 to 2,000 for the test.
- LSPET, original: ``joints.mat`` with ``joints`` 14 x 3 x 10000 (**flag 1 =
  labelled**) and ``images/im00001.jpg`` …. Cuts and new annotations of it have
  other numbers of persons, whose photos are taken in the order of their numbers.
- LSPET, cropped: ``annotations.json``, a list of ``{image, joints: 14 x
  [x, y, flag]}`` with the same flag, and ``images/``.

Coordinates count pixels from 1 in all three. The axes of ``joints`` may lie in
another order.
"""

import re
from pathlib import Path

import numpy as np

from phr_mmpose.datasets.annotation_list import AnnotationList, select
from phr_mmpose.datasets.body_size import LSP_SCALE, joint_boxes, relative_size
from phr_mmpose.datasets.joints import LSP_JOINTS
from phr_mmpose.datasets.photos import inspect_photo
from phr_mmpose.datasets.readers.lsp_joints import (
    LSP_PERSONS,
    LSP_TRAIN_PERSONS,
    check_pixels,
    read_lsp_joints,
)
from phr_mmpose.datasets.readers.prepared import Source, shown
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.json_files import read_json

LSPET_PERSONS = 10000
_NUM_JOINTS = len(LSP_JOINTS)
_PHOTO_SUFFIXES = ('.jpg', '.jpeg', '.png')
_CHECKING = 'checking photos'


def read_lsp_folder(
    folder: str | Path, observer_centric: bool = False, check_photos: bool = True
) -> Source:
    """Read LSP or LSPET, whichever a folder holds.

    Args:
        folder (str | Path): Holds ``joints.mat`` or ``annotations.json``, and
            ``images/``.
        observer_centric (bool): Read LSP's ``joints_observer_centric.mat``.
            Defaults to False.
        check_photos (bool): Open LSPET's photos too (LSP's are always opened:
            its boxes need their sizes). Defaults to True.

    Returns:
        Source: The annotation lists and where the photos are.

    Raises:
        UserError: If the folder holds neither, or a file is faulty.
    """
    folder = Path(folder)
    name = 'joints_observer_centric.mat' if observer_centric else 'joints.mat'
    if (folder / name).is_file():
        persons, is_lspet = _read_joints(folder / name)
        if not is_lspet:
            return _read_lsp(folder, folder / name, persons)
        if not observer_centric:
            photos, names = _lspet_photos(folder, len(persons))
            return _read_lspet(photos, folder / name, names, persons, check_photos)
        raise UserError(f'{folder / name}: not of LSP; LSPET has no such file')
    if (folder / 'annotations.json').is_file() and not observer_centric:
        path = folder / 'annotations.json'
        names, persons = _read_cropped_list(path)
        return _read_lspet(folder / 'images', path, names, persons, check_photos)
    wanted = name if observer_centric else f'{name} or annotations.json'
    raise UserError(f'{folder}: no {wanted} here; give the folder of LSP or LSPET')


def _read_joints(path: Path) -> tuple[np.ndarray, bool]:
    """Joints (N, 14, 3) with flags, and whether they are LSPET's."""
    persons, is_lspet = read_lsp_joints(path)
    if persons.shape[2] != 3:
        raise UserError(f'{path}: joints without flags; give the original file')
    persons = _checked(persons, path)
    is_lspet = is_lspet or len(persons) != LSP_PERSONS
    # Few joints are occluded, and most are labelled.
    if (persons[..., 2].mean() > 0.5) != is_lspet:
        form, flags = ('LSPET', 'LSP') if is_lspet else ('LSP', 'LSPET')
        raise UserError(
            f'{path}: {len(persons)} persons in the form of {form}, with flags as of '
            f'{flags}; LSP has 3 x 14 x {LSP_PERSONS}, LSPET 14 x 3 x N'
        )
    return persons, is_lspet


def _lspet_photos(folder: Path, number: int) -> tuple[Path, list[str]]:
    """The folder of LSPET's photos, and their names in the order of the persons."""
    photos = folder / 'images'
    if number == LSPET_PERSONS:
        return photos, [f'im{index + 1:05d}.jpg' for index in range(number)]
    if not photos.is_dir():
        photos = folder
    names = [
        path.name
        for path in photos.iterdir()
        if path.suffix.lower() in _PHOTO_SUFFIXES and not path.name.startswith('.')
    ]
    if len(names) != number:
        raise UserError(
            f'{photos}: {len(names)} photos for the {number} persons of joints.mat; '
            'give both as they were published'
        )
    return photos, sorted(names, key=_by_number)


def _by_number(name: str) -> tuple[list[int], str]:
    """Sort im2.jpg before im10.jpg."""
    return [int(part) for part in re.findall(r'\d+', name)], name


def _read_lsp(folder: Path, path: Path, persons: np.ndarray) -> Source:
    names = [f'im{index + 1:04d}.jpg' for index in range(LSP_PERSONS)]
    photos = folder / 'images'
    sizes = np.array([inspect_photo(photos / name) for name in shown(names, _CHECKING)])
    annotations = AnnotationList(
        images=[f'lsp/{name}' for name in names],
        # Middle of the photo: pixels count from 1, with centres at integers.
        centers=(sizes + 1) / 2,
        scales=np.full(LSP_PERSONS, LSP_SCALE),
        joints=persons[..., :2],
        annotated=np.ones(persons.shape[:2], dtype=bool),
        visible=persons[..., 2] == 0,
        head_boxes=np.full((LSP_PERSONS, 4), np.nan),
    )
    train = np.arange(LSP_PERSONS) < LSP_TRAIN_PERSONS
    lists = {
        'lsp_train': select(annotations, train),
        'lsp_test': select(annotations, ~train),
    }
    return Source('lsp', photos, lists)


def _read_lspet(
    photos: Path, path: Path, names: list[str], persons: np.ndarray, check_photos: bool
) -> Source:
    joints, labelled = persons[..., :2], persons[..., 2] == 1
    centers, scales = joint_boxes(joints, labelled)
    usable = relative_size(joints, labelled) > 0
    if not usable.any():
        raise UserError(f'{path}: no person with labelled joints; fetch it again')
    if check_photos:
        wanted = [name for name, use in zip(names, usable, strict=True) if use]
        for name in shown(wanted, _CHECKING):
            inspect_photo(photos / name)
    annotations = AnnotationList(
        images=[f'lspet/{name}' for name in names],
        centers=centers,
        scales=scales,
        joints=np.where(labelled[..., None], joints, 0),
        annotated=labelled,
        visible=labelled,
        head_boxes=np.full((len(names), 4), np.nan),
        visibility_known=np.zeros(len(names), dtype=bool),
    )
    lists = {'lspet_train': select(annotations, usable)}
    notes = []
    if not usable.all():
        left_out = int((~usable).sum())
        notes.append(f'left out: {left_out} persons with too few labelled joints')
    return Source('lspet', photos, lists, notes=notes)


def _read_cropped_list(path: Path) -> tuple[list[str], np.ndarray]:
    entries = read_json(path, 'fetch it again')
    if not isinstance(entries, list) or not entries:
        raise UserError(f'{path}: holds no person; fetch it again')
    names, persons = [], []
    for number, entry in enumerate(entries):
        try:
            names.append(str(entry['image']))
            joints = np.asarray(entry['joints'], dtype=np.float64)
        except KeyError as error:
            raise UserError(f'{path}: entry {number}: {error} is missing') from None
        except (TypeError, ValueError):
            raise UserError(
                f'{path}: entry {number}: expected an image and 14 x [x, y, flag]'
            ) from None
        if joints.shape != (_NUM_JOINTS, 3):
            raise UserError(
                f'{path}: entry {number}: "joints" is {joints.shape}, not (14, 3)'
            )
        persons.append(joints)
    return names, _checked(np.stack(persons), path)


def _checked(persons: np.ndarray, path: Path) -> np.ndarray:
    """Check that (N, 14, 3) joints have flags 0 or 1 and are pixels."""
    if not np.isin(persons[..., 2], (0, 1)).all():
        raise UserError(f'{path}: flags other than 0 and 1; give the original file')
    check_pixels(persons, path)
    return persons
