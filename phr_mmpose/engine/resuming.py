"""Which checkpoint a run continues from."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from phr_mmpose.utils.checkpoint import safe_load
from phr_mmpose.utils.errors import UserError


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """Find the checkpoint to resume from, the first of these that is sound.

    The one named in ``last_checkpoint`` (even if the folder has been moved since); the
    epochs' checkpoints, last first; the stages' checkpoints, last written first. A kill
    at the wrong moment can leave ``last_checkpoint`` empty or outdated, and a full disk
    can leave a truncated checkpoint.

    Args:
        work_dir (str | Path): Work directory of the run.

    Returns:
        Path | None: The checkpoint, None if there is none that loads.
    """
    tried = set()
    for path in _candidates(Path(work_dir)):
        if path not in tried and os.path.isfile(path) and _resumable(path):
            return path
        tried.add(path)
    return None


def _candidates(folder: Path) -> Iterator[Path]:
    note = folder / 'last_checkpoint'
    named = note.read_text(errors='replace').strip() if note.is_file() else ''
    # What a kill leaves may be anything, null bytes included.
    if named.isprintable() and named.endswith('.pth'):
        yield Path(named)
        yield folder / Path(named).name
    epochs = {}
    for path in folder.glob('epoch_*.pth'):
        number = re.fullmatch(r'epoch_(\d+)', path.stem)
        if number:
            epochs[int(number[1])] = path
    yield from (epochs[number] for number in sorted(epochs, reverse=True))
    stages = folder.glob('stage_*.pth')
    yield from sorted(stages, key=lambda path: path.stat().st_mtime, reverse=True)


def _resumable(path: Path) -> bool:
    try:
        checkpoint = safe_load(path, 'cpu')
    except UserError:
        return False
    return isinstance(checkpoint, dict) and 'optimizer' in checkpoint
