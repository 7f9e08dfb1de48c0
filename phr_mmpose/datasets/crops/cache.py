"""Reading the crops of a data set."""

import struct
from pathlib import Path

import numpy as np

from phr_mmpose.datasets.crops import store
from phr_mmpose.datasets.crops.plan import CropPlan
from phr_mmpose.datasets.crops.record import CropRecord
from phr_mmpose.datasets.pixel_grid import PixelGrid
from phr_mmpose.datasets.reduced_photos import decode_reduced
from phr_mmpose.utils.errors import UserError


class CropCache:
    """A crop cache, checked against the data set that reads it.

    Any number of worker processes may read, forked or spawned: each opens the file
    for itself when it first reads.

    Args:
        path (str | Path): The file, as written by ``tools/cache_crops.py``.
        plan (CropPlan): What the data set needs.

    Raises:
        UserError: See :func:`phr_mmpose.datasets.crops.store.check`.
    """

    def __init__(self, path: str | Path, plan: CropPlan) -> None:
        self.path = str(path)
        store.check(self.path, plan)

    def read(self, number: int) -> CropRecord:
        """Read one person.

        Args:
            number (int): The person's place in the annotation list, from 0.

        Returns:
            CropRecord: What was kept.

        Raises:
            UserError: If the cache lacks the person or is damaged.
        """
        with store.reading(self.path) as transaction:
            value = transaction.get(store.person_key(number))
        try:
            return CropRecord.unpack(value)
        except (TypeError, ValueError, struct.error):
            raise self._damaged(number) from None

    def decode(
        self, number: int, record: CropRecord, reduction: int
    ) -> tuple[np.ndarray, PixelGrid]:
        """Decode a person's picture.

        Args:
            number (int): The person's place in the annotation list, from 0.
            record (CropRecord): What :meth:`read` gave.
            reduction (int): See
                :func:`~phr_mmpose.datasets.reduced_photos.decode_reduced`.

        Returns:
            tuple: The picture (h, w, 3), BGR, uint8; where its pixels lie in the
            photo.

        Raises:
            UserError: If the picture is damaged.
        """
        # What a photo's error advises would not mend the cache.
        try:
            image, grid, shape = decode_reduced(record.content, self.path, reduction)
        except UserError:
            raise self._damaged(number) from None
        if shape != record.size[::-1]:
            raise self._damaged(number)
        return image, grid.within(record.grid)

    def _damaged(self, number: int) -> UserError:
        return UserError(
            f'{self.path}: person {number} of the crop cache is missing or damaged; '
            f'{store.AGAIN}'
        )
