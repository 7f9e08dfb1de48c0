"""Leeds Sports Pose and its extended training set, from their own layouts.

- LSP: ``joints.mat`` with ``joints`` 3 x 14 x 2000 (x, y, flag; **flag 1 =
  occluded**, every joint annotated) and ``images/im0001.jpg`` …; persons 1 to
  1,000 are for training, 1,001 to 2,000 for the test.
- LSPET, original: ``joints.mat`` with ``joints`` 14 x 3 x 10000 (**flag 1 =
  labelled**) and ``images/im00001.jpg`` ….
- LSPET, cropped: ``annotations.json``, a list of ``{image, joints: 14 x
  [x, y, flag]}`` with the same flag, and ``images/``.

Coordinates count pixels from 1 in all three.
"""

from pathlib import Path

import numpy as np

from phr_mmpose.datasets.annotation_list import AnnotationList, select
from phr_mmpose.datasets.body_size import LSP_SCALE, joint_boxes, relative_size
from phr_mmpose.datasets.joints import LSP_JOINTS
from phr_mmpose.datasets.photos import inspect_photo
from phr_mmpose.datasets.readers.matlab import load_mat_variable
from phr_mmpose.datasets.readers.prepared import Source, shown
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.json_files import read_json

LSP_PERSONS = 2000
LSP_TRAIN_PERSONS = 1000
LSPET_PERSONS = 10000
_NUM_JOINTS = len(LSP_JOINTS)
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
        joints = load_mat_variable(folder / name, 'joints')
        if joints.shape == (3, _NUM_JOINTS, LSP_PERSONS):
            return _read_lsp(folder, folder / name, joints)
        if joints.shape == (_NUM_JOINTS, 3, LSPET_PERSONS) and not observer_centric:
            names = [f'im{index + 1:05d}.jpg' for index in range(LSPET_PERSONS)]
            persons = joints.transpose(2, 0, 1)
            return _read_lspet(folder, folder / name, names, persons, check_photos)
        raise UserError(
            f'{folder / name}: "joints" is {" x ".join(map(str, joints.shape))}; '
            f'LSP has 3 x 14 x {LSP_PERSONS}, LSPET 14 x 3 x {LSPET_PERSONS}'
        )
    if (folder / 'annotations.json').is_file() and not observer_centric:
        path = folder / 'annotations.json'
        names, persons = _read_cropped_list(path)
        return _read_lspet(folder, path, names, persons, check_photos)
    wanted = name if observer_centric else f'{name} or annotations.json'
    raise UserError(f'{folder}: no {wanted} here; give the folder of LSP or LSPET')


def _read_lsp(folder: Path, path: Path, joints: np.ndarray) -> Source:
    persons = _checked(joints.transpose(2, 1, 0), path)
    names = [f'im{index + 1:04d}.jpg' for index in range(LSP_PERSONS)]
    photos = folder / 'images'
    sizes = np.array([inspect_photo(photos / name) for name in shown(names, _CHECKING)])
    parts = AnnotationList(
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
    lists = {'lsp_train': select(parts, train), 'lsp_test': select(parts, ~train)}
    return Source('lsp', photos, lists)


def _read_lspet(
    folder: Path, path: Path, names: list[str], persons: np.ndarray, check_photos: bool
) -> Source:
    persons = _checked(persons, path)
    joints, labelled = persons[..., :2], persons[..., 2] == 1
    centers, scales = joint_boxes(joints, labelled)
    usable = relative_size(joints, labelled) > 0
    if not usable.any():
        raise UserError(f'{path}: no person with labelled joints; fetch it again')
    photos = folder / 'images'
    if check_photos:
        wanted = [name for name, use in zip(names, usable, strict=True) if use]
        for name in shown(wanted, _CHECKING):
            inspect_photo(photos / name)
    parts = AnnotationList(
        images=[f'lspet/{name}' for name in names],
        centers=centers,
        scales=scales,
        joints=np.where(labelled[..., None], joints, 0),
        annotated=labelled,
        visible=labelled,
        head_boxes=np.full((len(names), 4), np.nan),
        visibility_known=np.zeros(len(names), dtype=bool),
    )
    lists = {'lspet_train': select(parts, usable)}
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
    return names, np.stack(persons)


def _checked(persons: np.ndarray, path: Path) -> np.ndarray:
    """Check that (N, 14, 3) joints have flags 0 or 1 and no NaN."""
    persons = persons.astype(np.float64)
    if not np.isin(persons[..., 2], (0, 1)).all():
        raise UserError(f'{path}: flags other than 0 and 1; give the original file')
    bad = ~np.isfinite(persons).all(axis=(1, 2))
    if bad.any():
        raise UserError(f'{path}: person {int(bad.argmax()) + 1} has NaN joints')
    return persons
