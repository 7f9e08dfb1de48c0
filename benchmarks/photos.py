"""Photos with MPII-like annotation lists, for the loaders."""

import json
from pathlib import Path

import cv2
import numpy as np

from benchmarks.samples import PHOTO_SIZE, draw_person, draw_photo
from phr_mmpose.datasets.annotation_list import PIXELS_PER_SCALE, load_annotation_list
from phr_mmpose.datasets.joints import LSP_JOINTS, lsp_to_mpii
from phr_mmpose.utils.errors import UserError

LIST = 'annotations/mpii_train.json'
# Quantiles of `scale` (box / 200 px) in MPII's training list.
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_SCALES = (1.16, 1.97, 2.89, 4.22, 7.18)


def make_synthetic(folder: str | Path, photos: int, persons: int) -> None:
    """Write made-up photos of MPII's typical size, and a list.

    Args:
        folder (str | Path): Gets ``images/`` and ``annotations/``.
        photos (int): Photos, JPEG.
        persons (int): Persons, in turn on these photos.
    """
    folder = Path(folder)
    images = _folders(folder)
    for index in range(photos):
        cv2.imwrite(str(images / f'{index:06d}.jpg'), draw_photo(index))
    random = np.random.default_rng(0)
    entries = []
    for index in range(persons):
        scale = float(np.interp(random.uniform(), _QUANTILES, _SCALES))
        box, joints = draw_person(random, PHOTO_SIZE, PIXELS_PER_SCALE * scale, 16)
        middle = (box[:2] + box[2:]) / 2
        image = f'{index % photos:06d}.jpg'
        entries.append(_entry(image, middle, scale, joints, np.ones(16), np.ones(16)))
    _write(folder, entries)


def link_lsp(folder: str | Path, data: str | Path, persons: int) -> None:
    """Link LSP's training photos under numbers, as MMPose's MPII reader wants.

    Args:
        folder (str | Path): Gets ``images/`` and ``annotations/``.
        data (str | Path): LSP, as prepared by ``tools/prepare_lsp.py``.
        persons (int): The first persons of the list, at most.

    Raises:
        UserError: If the data is not there.
    """
    folder, data = Path(folder), Path(data).resolve()
    annotations = load_annotation_list(
        data / 'annotations' / 'lsp_train.json', len(LSP_JOINTS)
    )
    images = _folders(folder)
    joints = np.nan_to_num(lsp_to_mpii(annotations.joints))
    annotated, visible = (
        lsp_to_mpii(annotations.annotated),
        lsp_to_mpii(annotations.visible),
    )
    entries = []
    for index in range(min(persons, len(annotations))):
        photo = data / 'images' / annotations.images[index]
        if not photo.is_file():
            raise UserError(f'{photo}: no such photo; prepare the data anew')
        image = f'{index:06d}{photo.suffix}'
        (images / image).symlink_to(photo)
        entries.append(
            _entry(
                image,
                annotations.centers[index],
                float(annotations.scales[index]),
                joints[index],
                annotated[index],
                visible[index],
            )
        )
    _write(folder, entries)


def _folders(folder: Path) -> Path:
    (folder / 'annotations').mkdir(parents=True)
    (folder / 'images').mkdir()
    return folder / 'images'


def _entry(image, center, scale, joints, annotated, visible) -> dict:
    return dict(
        image=image,
        center=[float(value) for value in center],
        scale=scale,
        joints=[[float(x), float(y)] for x, y in joints],
        joints_vis=[int(flag) for flag in annotated],
        joints_visible=[int(flag) for flag in visible],
    )


def _write(folder: Path, entries: list[dict]) -> None:
    (folder / LIST).write_text(json.dumps(entries))
