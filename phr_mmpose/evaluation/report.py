"""Results as people read them: the columns of the published tables."""

import math
from collections.abc import Mapping

from phr_mmpose.evaluation.functional.pck import COLUMNS


def table(rows: Mapping[str, Mapping[str, float]]) -> str:
    """Lay out rates as plain text, one decimal as in the papers.

    Args:
        rows (Mapping[str, Mapping[str, float]]): Percent by row and column.

    Returns:
        str: A header line and one line for each row; ``-`` where nothing was
        counted.
    """
    width = max(len(name) for name in rows)
    lines = [' ' * width + ''.join(f'{column:>{_width(column)}}' for column in COLUMNS)]
    for name, row in rows.items():
        cells = ''.join(f'{_number(row[c]):>{_width(c)}}' for c in COLUMNS)
        lines.append(f'{name:<{width}}{cells}')
    return '\n'.join(lines)


def _width(column: str) -> int:
    return max(len(column), len('100.0')) + 2


def _number(rate: float) -> str:
    return '-' if math.isnan(rate) else f'{rate:.1f}'
