"""The rows of finished and stopped trainings: results.jsonl, and as a table."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from phr_mmpose.utils.files import atomic_path

_REPOSITORY = Path(__file__).resolve().parents[2]
_SCORES = ('Total', 'Total_visible', 'Total_occluded')


def read_rows(folder: Path) -> list[dict]:
    """Read the rows of a work directory, in order."""
    path = folder / 'results.jsonl'
    lines = path.read_text().splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines]


def add_row(folder: Path, row: Mapping) -> str:
    """Add a row to results.jsonl and write results.md anew.

    Args:
        folder (Path): The work directory.
        row (Mapping): What is known of a training, as ``run.py`` makes it.

    Returns:
        str: The table of all rows.
    """
    rows = [*read_rows(folder), row]
    with atomic_path(folder / 'results.jsonl') as temporary:
        temporary.write_text(''.join(f'{json.dumps(each)}\n' for each in rows))
    table = as_markdown(rows)
    with atomic_path(folder / 'results.md') as temporary:
        temporary.write_text(table)
    return table


def as_markdown(rows: list[Mapping]) -> str:
    """Write rows as a table; PCK@0.2 of all / visible / hidden joints."""
    columns = (
        'part | commit | device | torch | seed | minutes | passes over the data '
        '| it/s | GB | refiner: all / visible / hidden | detector'
    )
    lines = [f'| {columns} |', '| --- ' * columns.count('|') + '| --- |']
    for row in rows:
        passes = _by_stage(row['passes'], '.1f')
        if row['done'] < 1:
            passes += f' (stopped at {row["done"]:.0%})'
        cells = [
            row['part'],
            row['commit'],
            row['device'],
            row['torch'],
            row['seed'],
            f'{row["minutes"]:.1f}',
            passes,
            _by_stage(row['it_per_s'], '.3g'),
            f'{row["memory_gb"]:.1f}',
            *(_rates(row['PCK@0.2'][name]) for name in ('refiner', 'detector')),
        ]
        lines.append(f'| {" | ".join(map(str, cells))} |')
    return '\n'.join(lines) + '\n'


def pick_scores(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Take the rates of a row out of an evaluation's metrics."""
    return {key: metrics.get(f'lsp/{key}') for key in _SCORES}


def describe_commit() -> str:
    """Name the commit of this clone; ``-dirty`` where files were changed since."""
    command = ['git', 'describe', '--always', '--dirty']
    try:
        done = subprocess.run(
            command, cwd=_REPOSITORY, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return 'unknown'
    return done.stdout.strip()


def _by_stage(values: Mapping[str, float], form: str) -> str:
    return ', '.join(f'{name} {value:{form}}' for name, value in values.items())


def _rates(scores: Mapping[str, float | None]) -> str:
    return ' / '.join(
        '-' if scores[key] is None else f'{scores[key]:.1f}' for key in _SCORES
    )
