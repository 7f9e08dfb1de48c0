"""Reading the crops of a data set."""

import struct
from pathlib import Path

from phr_mmpose.datasets.crops import store
from phr_mmpose.datasets.crops.plan import CropPlan
from phr_mmpose.datasets.crops.record import CropRecord
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
            UserError: If the cache lacks the person.
        """
        with store.reader(self.path).begin() as transaction:
            value = transaction.get(store.person_key(number))
        try:
            return CropRecord.unpack(value)
        except (TypeError, struct.error):
            raise UserError(
                f'{self.path}: person {number} is missing or damaged; make the cache '
                'again with tools/cache_crops.py'
            ) from None
