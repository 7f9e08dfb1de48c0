"""What tools/test.py wrote, under the names of the published tables."""

import json
from pathlib import Path


def read_scores(path: Path) -> dict:
    """Read the rates of one evaluation.

    Args:
        path (Path): From ``tools/test.py --json``.

    Returns:
        dict: Percent by key (``'Total'``, ``'Head_visible'`` …) without the metric's
        prefix, ``measure``, such as ``'PCK@0.2'``, and what else the file has.
    """
    found = json.loads(path.read_text())
    return {key.removeprefix('lsp/').removeprefix('mpii/'): found[key] for key in found}
