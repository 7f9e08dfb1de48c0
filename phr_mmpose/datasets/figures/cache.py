"""Drawn figures kept in memory, one copy for all workers of a loader."""

import mmap

import numpy as np

from phr_mmpose.datasets.figures.poses import ACTIVITIES
from phr_mmpose.datasets.figures.renderer import Figure

_ACTIVITIES = tuple(ACTIVITIES)


class FigureCache:
    """A table of figures in shared memory that fills while it is used.

    Worker processes that are forked after its construction share the table, so
    that a figure is drawn once per run and not once per worker and epoch.
    Memory is taken as figures come in. Copies and pickles start empty.

    Args:
        num (int): Number of figures.
        size (int): Side of the pictures in pixels.
    """

    def __init__(self, num: int, size: int) -> None:
        self._arguments = (num, size)
        record = np.dtype(
            [
                ('done', np.bool_),
                ('image', np.uint8, (size, size, 3)),
                ('joints', np.float32, (16, 2)),
                ('annotated', np.bool_, 16),
                ('visible', np.bool_, 16),
                ('behind_object', np.bool_, 16),
                ('head_box', np.float32, 4),
                ('box', np.float32, 4),
                ('activity', np.uint8),
            ]
        )
        memory = mmap.mmap(-1, num * record.itemsize)
        self._table = np.frombuffer(memory, dtype=record)

    def get(self, index: int) -> Figure | None:
        """Look a figure up.

        Args:
            index (int): Its number.

        Returns:
            Figure | None: A copy, or None if it was not put in yet.
        """
        row = self._table[index]
        if not row['done']:
            return None
        return Figure(
            **{
                name: row[name].copy()
                for name in self._table.dtype.names
                if name not in ('done', 'activity')
            },
            activity=_ACTIVITIES[row['activity']],
        )

    def put(self, index: int, figure: Figure) -> None:
        """Keep a figure.

        Two workers may put the same figure at the same time: they write the same
        bytes, and the mark comes last.

        Args:
            index (int): Its number.
            figure (Figure): What was drawn.
        """
        row = self._table[index]
        for name in self._table.dtype.names:
            if name not in ('done', 'activity'):
                row[name] = getattr(figure, name)
        row['activity'] = _ACTIVITIES.index(figure.activity)
        row['done'] = True

    def __reduce__(self) -> tuple:
        return type(self), self._arguments

    def __deepcopy__(self, memo: dict) -> 'FigureCache':
        return type(self)(*self._arguments)
