"""From a Torch7 file to a network that runs."""

from pathlib import Path

from phr_mmpose.models.torch7.description import describe
from phr_mmpose.models.torch7.graph import DESCRIPTION, Torch7Graph, encode
from phr_mmpose.utils.torch7 import load


def convert(path: str | Path, long_size: int | None = None) -> Torch7Graph:
    """Read a network of Torch7's ``nn``.

    Args:
        path (str | Path): The ``.t7`` file.
        long_size (int, optional): See :func:`phr_mmpose.utils.torch7.load`.

    Returns:
        Torch7Graph: In evaluation mode, float32, on the CPU.

    Raises:
        UserError: If the file is no whole Torch7 file, or holds no network of
            modules that are known.
    """
    description, weights = describe(load(path, long_size), str(path))
    return Torch7Graph({DESCRIPTION: encode(description), **weights})
