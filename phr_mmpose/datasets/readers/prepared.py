"""The prepared folder: ``images/<kind>/…`` and ``annotations/<list>.json``."""

import os
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from phr_mmpose.datasets.annotation_list import (
    AnnotationList,
    occluded_share,
    save_annotation_list,
    stays_inside,
)
from phr_mmpose.utils.errors import UserError
from phr_mmpose.utils.files import atomic_path, make_folder

WAYS = ('link', 'copy', 'none')


@dataclass
class Source:
    """A data set as read from its own layout.

    Args:
        kind (str): ``'lsp'``, ``'lspet'`` or ``'mpii'``: folder of its photos
            under ``images/``, with which the lists' image names begin.
        photos (Path): Folder where the photos are now.
        lists (dict[str, AnnotationList]): For each list's name (``'lsp_train'``) its
            persons.
        absent (set[str]): Image names whose photos are not at hand.
        notes (list[str]): What else the user should know.
    """

    kind: str
    photos: Path
    lists: dict[str, AnnotationList]
    absent: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def write_prepared(source: Source, folder: Path, images: str) -> list[str]:
    """Fill the prepared folder: photos first, then the lists.

    Each file appears whole or not at all, and a list only after its photos.

    Args:
        source (Source): What was read.
        folder (Path): Folder to fill; made if missing.
        images (str): How photos get there: ``'link'`` makes hard links, or copies
            where the file system refuses; ``'copy'``; ``'none'``.

    Returns:
        list[str]: Lines that say what was written.

    Raises:
        UserError: If a photo's name leads out of the folder, a photo cannot be
            read or the folder cannot be written to.
    """
    named = {
        name for annotations in source.lists.values() for name in annotations.images
    }
    for image in named:
        if not stays_inside(image):
            raise UserError(f'{source.photos}: the photo {image!r} lies outside of it')
    if images != 'none':
        for image in shown(sorted(named - source.absent), 'placing photos'):
            start = source.photos / Path(image).relative_to(source.kind)
            _place(start, folder / 'images' / image, link=images == 'link')
    lines = []
    for name, annotations in source.lists.items():
        path = folder / 'annotations' / f'{name}.json'
        save_annotation_list(path, annotations)
        lines.append(f'{path}: {describe(annotations)}')
    return lines + source.notes


def describe(annotations: AnnotationList) -> str:
    """Count what a list holds.

    Args:
        annotations (AnnotationList): The list.

    Returns:
        str: Persons, photos, annotated joints and the occluded share of these.
    """
    occlusion = 'occlusion unknown'
    if annotations.visibility_known.any():
        occlusion = f'{occluded_share(annotations):.1%} occluded'
    return (
        f'{len(annotations):,} persons in {len(set(annotations.images)):,} photos, '
        f'{int(annotations.annotated.sum()):,} joints, {occlusion}'
    )


def shown(items: Sequence[str], what: str) -> Iterable[str]:
    """Iterate with a progress bar on a terminal.

    Args:
        items (Sequence[str]): What to iterate over.
        what (str): What is being done.

    Returns:
        Iterable[str]: The items.
    """
    return tqdm(items, desc=what, unit='photo', disable=None)


def _place(start: Path, target: Path, link: bool) -> None:
    if link and os.path.exists(target) and target.samefile(start):
        return
    make_folder(target.parent)
    if link:
        temporary = target.with_name(f'.{target.name}.link')
        temporary.unlink(missing_ok=True)
        try:
            os.link(start, temporary)
        except OSError:  # another file system, or one without links
            pass
        else:
            os.replace(temporary, target)
            return
    try:
        with atomic_path(target) as temporary:
            shutil.copyfile(start, temporary)
    except OSError as error:
        raise UserError(
            f'{start}: cannot be copied ({error.strerror}); give a readable photo'
        ) from None
