"""Photos on their way from a data set's folder to the prepared folder."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from phr_mmpose.utils.files import atomic_path

WAYS = ('link', 'copy', 'none')


def place_photos(
    names: Sequence[str], source: Path, target: Path, way: str = 'link'
) -> None:
    """Bring photos into the prepared folder, each whole or not at all.

    Args:
        names (Sequence[str]): File names.
        source (Path): Folder that holds them.
        target (Path): Folder to fill; made if missing.
        way (str): ``'link'`` (default): hard links, or copies where the file
            system refuses; ``'copy'``; ``'none'``: leave the folder alone.
    """
    if way == 'none':
        return
    target.mkdir(parents=True, exist_ok=True)
    for name in tqdm(names, desc=f'photos to {target}', unit='photo'):
        _place(source / name, target / name, link=way == 'link')


def _place(source: Path, target: Path, link: bool) -> None:
    if link and target.exists() and target.samefile(source):
        return
    with atomic_path(target) as temporary:
        if link:
            temporary.unlink()
            try:
                os.link(source, temporary)
            except OSError:
                shutil.copyfile(source, temporary)
        else:
            shutil.copyfile(source, temporary)
