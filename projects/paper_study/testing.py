"""tools/test.py in a process of its own."""

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from phr_mmpose.utils.errors import UserError
from projects.paper_study.scores import read_scores
from projects.paper_study.starting import run_tool


def run_test(config: str | Path, checkpoint: str | Path, *options: str) -> dict:
    """Test a checkpoint and read its numbers.

    Args:
        config (str | Path): Of the model.
        checkpoint (str | Path): Its weights.
        *options (str): Further ones of ``tools/test.py``.

    Returns:
        dict: As :func:`~projects.paper_study.scores.read_scores` gives them.

    Raises:
        UserError: If the tool fails, with its own line.
    """
    with tempfile.TemporaryDirectory(prefix='test_') as folder:
        numbers = Path(folder, 'scores.json')
        done = run_tool(
            *('test.py', config, checkpoint),
            *('--json', numbers, '--work-dir', folder),
            *options,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ['no reason given'])[-1]
            raise UserError(last.removeprefix('error: '))
        return read_scores(numbers)


def subnetwork_options(config: Config) -> dict[str, list[str]]:
    """Say how ``tools/test.py`` tests each subnetwork of a model.

    Args:
        config (Config): Of the model.

    Returns:
        dict[str, list[str]]: Options of the ``'detector'``, which may be all of the
        model, and, if there is one, of the ``'refiner'``.
    """
    if config.model.head.get('refiner') is None:
        return dict(detector=[])
    return dict(detector=['--output', 'detector'], refiner=[])


def check_checkpoints(paths: Sequence[str]) -> None:
    """See that all are there, before the first is tested for minutes.

    Args:
        paths (Sequence[str]): The files; addresses are seen when they are loaded.

    Raises:
        UserError: If one is not.
    """
    for path in paths:
        if '://' not in path and not Path(path).expanduser().is_file():
            raise UserError(f'{path}: no such checkpoint')
