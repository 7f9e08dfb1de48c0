"""The results of an ablation: tables and numbers."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from phr_mmpose.evaluation.functional.pck import COLUMNS

# Rows without a place come last.
_LAST = 10_000


@dataclass
class Row:
    """One system and its runs.

    Args:
        name (str): The config's name.
        title (str): How the table calls it. Defaults to the name.
        place (int): Its place in the table; rows without one come last.
        images (int | None): Images that it was trained on.
        runs (dict[int, dict[str, dict]]): By seed: ``scores``, percent by key
            as ``tools/test.py`` writes them; of a cascade also ``detector``,
            the same of its detector; ``training``, with ``core_minutes``.
        failure (str | None): Why it has failed, if it has.
    """

    name: str
    title: str = ''
    place: int = _LAST
    images: int | None = None
    runs: dict[int, dict[str, dict]] = field(default_factory=dict)
    failure: str | None = None

    def __post_init__(self) -> None:
        self.title = self.title or self.name

    def values(self, part: str, key: str) -> list[float]:
        """Give one number of all runs that have it.

        Args:
            part (str): ``'scores'``, ``'detector'`` or ``'training'``.
            key (str): Such as ``'Total'``.

        Returns:
            list[float]: One for each seed, in the seeds' order.
        """
        found = (run.get(part, {}).get(key) for run in self.runs.values())
        return [value for value in found if value is not None]


def mean_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the sample standard deviation.

    Args:
        values (Sequence[float]): May be empty.

    Returns:
        tuple[float, float]: NaN where there are no values; the deviation is NaN
        where there is only one.
    """
    mean = statistics.fmean(values) if values else math.nan
    return mean, statistics.stdev(values) if len(values) > 1 else math.nan


def written(values: Sequence[float], digits: int = 1) -> str:
    """Write values as ``mean ± deviation``, the mean alone, or ``-``.

    Args:
        values (Sequence[float]): May be empty.
        digits (int): After the point. Defaults to 1.
    """
    mean, spread = mean_and_spread(values)
    if math.isnan(mean):
        return '-'
    deviation = '' if math.isnan(spread) else f' ± {spread:.{digits}f}'
    return f'{mean:.{digits}f}{deviation}'


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Lay out a table.

    Args:
        header (Sequence[str]): Titles of the columns.
        lines (Sequence[Sequence[str]]): As many cells each.
    """
    rule = ['---'] * len(header)
    return '\n'.join(f'| {" | ".join(cells)} |' for cells in (header, rule, *lines))


@dataclass
class Ablation:
    """All rows of an ablation.

    Args:
        rows (list[Row]): In the table's order.
        seeds (Sequence[int]): The seeds asked for.
        budget (str): What each row and seed was allowed.
    """

    rows: list[Row]
    seeds: Sequence[int]
    budget: str

    @property
    def measure(self) -> str:
        """str: Such as ``'PCK@0.2'``; empty before the first result."""
        runs = (run for row in self.rows for run in row.runs.values())
        return next((run['scores'].get('measure', '') for run in runs), '')

    def as_dict(self) -> dict:
        """Return every number, unrounded, ready for JSON."""
        return dict(
            measure=self.measure,
            budget=self.budget,
            seeds=list(self.seeds),
            rows=[
                dict(
                    name=row.name,
                    title=row.title,
                    images=row.images,
                    failure=row.failure,
                    **_by_column(row),
                    runs=row.runs,
                )
                for row in self.rows
            ],
        )

    def as_markdown(self) -> str:
        """Return the tables for people."""
        done = all(len(row.runs) == len(self.seeds) for row in self.rows)
        parts = [
            f'Budget of each row and seed: {self.budget}. Seeds: '
            f'{", ".join(map(str, self.seeds))}{"" if done else ", not all done"}; '
            'mean ± standard deviation over them.',
            markdown_table(
                [self.measure, *COLUMNS],
                [
                    [row.title, *(written(row.values('scores', c)) for c in COLUMNS)]
                    for row in self.rows
                ],
            ),
            'Visible and occluded joints apart, also of the first part alone:',
            markdown_table(
                [
                    self.measure,
                    *('visible', 'occluded'),
                    *('first part', 'its visible', 'its occluded'),
                ],
                [
                    [
                        row.title,
                        *(
                            written(row.values(part, key))
                            for part, key in (
                                ('scores', 'Total_visible'),
                                ('scores', 'Total_occluded'),
                                ('detector', 'Total'),
                                ('detector', 'Total_visible'),
                                ('detector', 'Total_occluded'),
                            )
                        ),
                    ]
                    for row in self.rows
                ],
            ),
            markdown_table(
                ['', 'images', 'core-minutes', 'seeds done'],
                [
                    [
                        row.title,
                        '-' if row.images is None else f'{row.images:,}',
                        written(row.values('training', 'core_minutes')),
                        ', '.join(map(str, row.runs)) or '-',
                    ]
                    for row in self.rows
                ],
            ),
        ]
        failures = [f'- {row.name}: {row.failure}' for row in self.rows if row.failure]
        if failures:
            parts.append('Failed:\n\n' + '\n'.join(failures))
        return '\n\n'.join(parts) + '\n'


def _by_column(row: Row) -> dict[str, dict[str, float | None]]:
    """Mean and deviation by column; None in place of NaN, which JSON lacks."""
    reduced = {'mean': {}, 'deviation': {}}
    for column in COLUMNS:
        pair = mean_and_spread(row.values('scores', column))
        for numbers, value in zip(reduced.values(), pair, strict=True):
            numbers[column] = None if math.isnan(value) else value
    return reduced
