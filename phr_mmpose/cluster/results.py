"""The results of a job as Parquet files, each whole or not there."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from phr_mmpose.utils.errors import UserError, first_line
from phr_mmpose.utils.files import atomic_path
from phr_mmpose.utils.json_files import read_json, write_json

_NUMBERS = pa.list_(pa.float32())
RESULTS = pa.schema(
    [
        ('image', pa.string()),
        ('box', _NUMBERS),
        ('box_score', pa.float32()),
        ('keypoints', pa.list_(_NUMBERS)),
        ('scores', _NUMBERS),
        ('visible', _NUMBERS),
        ('error', pa.string()),
    ]
)
"""pa.Schema: One row for each person, as ``poses.json`` of ``phr-pose`` has it. A photo
without a person, or with an ``error``, has one row in which the others are null."""

_SETTINGS = 'settings.json'


class ResultWriter:
    """Writes the poses of some photos into one file.

    Its name follows from the photos, so that no two files of a folder, whichever job
    wrote them, have the same one.

    Args:
        folder (str | Path): The folder.
        joints (Sequence[str]): K names, noted in each file.
    """

    def __init__(self, folder: str | Path, joints: Sequence[str]) -> None:
        self._folder = Path(folder)
        self._schema = RESULTS.with_metadata({'joints': json.dumps(list(joints))})

    def write(self, photos: pa.Table) -> dict[str, int]:
        """Write one file.

        Args:
            photos (pa.Table): ``path``, ``persons`` as JSON, and ``error``.

        Returns:
            dict[str, int]: How many ``photos``, ``persons`` and ``errors``.
        """
        rows = [row for photo in photos.to_pylist() for row in _rows(photo)]
        names = '\n'.join(photos['path'].to_pylist())
        name = hashlib.sha256(names.encode()).hexdigest()[:24]
        with atomic_path(self._folder / f'{name}.parquet') as temporary:
            pq.write_table(pa.Table.from_pylist(rows, self._schema), temporary)
        return dict(
            photos=len(photos),
            persons=sum(row.get('box') is not None for row in rows),
            errors=photos['error'].length() - photos['error'].null_count,
        )


def open_results(
    folder: str | Path, settings: dict, retry: Collection[str] = ()
) -> tuple[set[str], set[str]]:
    """Begin a job, or go on with it.

    Args:
        folder (str | Path): Where its results are or will be.
        settings (dict): What the results depend on.
        retry (Collection[str]): Photos that are to be done again if they had an
            error: their rows are taken out of the files. Defaults to none.

    Returns:
        tuple[set[str], set[str]]: The photos that are done, and those of them that
        had an error.

    Raises:
        UserError: If the folder holds results of other settings, or a damaged file.
    """
    folder = Path(folder)
    note = folder / _SETTINGS
    if note.exists():
        known = read_json(note, 'name another --out')
        if known != settings:
            differing = sorted(
                key
                for key in {*known, *settings}
                if known.get(key) != settings.get(key)
            )
            raise UserError(
                f'{folder}: its results differ in {", ".join(differing)}; '
                'name another --out'
            )
    elif result_files(folder):
        raise UserError(f'{folder}: holds other Parquet files; name another --out')
    write_json(note, settings)
    retry = set(retry)
    done, failed = set(), set()
    for file in folder.glob('.*.parquet'):
        # Half-written, by a process that was killed.
        file.unlink(missing_ok=True)
    for file in result_files(folder):
        try:
            table = pq.read_table(file, columns=['image', 'error'])
            faulty = pc.is_valid(table['error'])
            again = retry.intersection(table.filter(faulty)['image'].to_pylist())
            if again:
                table = _without_photos(file, again)
                faulty = pc.is_valid(table['error'])
        except (OSError, KeyError, pa.ArrowException) as error:
            raise UserError(
                f'{file}: {first_line(error)}; remove it, and its photos are done again'
            ) from None
        done.update(table['image'].to_pylist())
        failed.update(table.filter(faulty)['image'].to_pylist())
    return done, failed


def result_files(folder: Path) -> list[Path]:
    """List the files of a job that are whole; others have names with a dot first."""
    return sorted(folder.glob('[!.]*.parquet'))


def _without_photos(file: Path, photos: set[str]) -> pa.Table:
    """Take the rows of some photos out of a file; without others it goes."""
    table = pq.read_table(file)
    table = table.filter([image not in photos for image in table['image'].to_pylist()])
    if len(table):
        with atomic_path(file) as temporary:
            pq.write_table(table, temporary)
    else:
        file.unlink()
    return table


def _rows(photo: dict) -> Iterator[dict]:
    of_photo = dict(image=photo['path'], error=photo['error'])
    persons = json.loads(photo['persons']) if photo['persons'] else []
    for person in persons:
        yield dict(person, **of_photo)
    if not persons:
        yield of_photo
