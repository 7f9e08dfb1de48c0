"""What tools/test.py wrote, under the names of the published tables."""

import json
from pathlib import Path

# By the prefix of their metrics in MMEngine's evaluator.
_MEASURES = {'lsp/': 'PCK@0.2', 'mpii/': 'PCKh@0.5'}


def read_scores(path: Path) -> dict:
    """Read the rates of one evaluation.

    Args:
        path (Path): From ``tools/test.py --json``.

    Returns:
        dict: Percent by key (``'Total'``, ``'Head_visible'`` …), ``measure``, and
        what else the file has.
    """
    found = {}
    for key, value in json.loads(path.read_text()).items():
        prefix = next((each for each in _MEASURES if key.startswith(each)), '')
        found[key.removeprefix(prefix)] = value
        if prefix:
            found['measure'] = _MEASURES[prefix]
    return found
