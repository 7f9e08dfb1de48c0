"""Delete what visitors sent and got, soon after nobody needs it any more."""

import threading
import time
from collections.abc import Collection
from pathlib import Path

from phr_mmpose.web.visits import Visits


def delete_old_files(folder: Path, age: float, kept: Collection[Path] = ()) -> None:
    """Delete files that were last written or touched some time ago.

    Args:
        folder (Path): Where to look, with its folders, which stay.
        age (float): Seconds.
        kept (Collection[Path]): Files to keep.
    """
    before = time.time() - age
    for path in folder.rglob('*'):
        try:
            if path.is_file() and path.stat().st_ctime < before and path not in kept:
                path.unlink()
        # Gone already, or held by another program: there is a next time.
        except OSError:
            continue


def keep_clean(folder: Path, visits: Visits, age: float, interval: float) -> None:
    """Delete old files from now on, and forget old visits.

    Files that are there already are kept.

    Gradio's ``delete_cache`` does the same, but ends at an upload that comes while it
    looks (seen in 6.31).

    Args:
        folder (Path): Gradio's folder.
        visits (Visits): The visits, which know their age.
        age (float): Seconds after which a file is deleted.
        interval (float): Seconds between two looks.
    """
    kept = set(folder.rglob('*'))

    def clean() -> None:
        while folder.is_dir():
            delete_old_files(folder, age, kept)
            visits.forget_old()
            time.sleep(interval)

    threading.Thread(target=clean, daemon=True).start()
