"""Which region of the photo is kept of each person, and at what size."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from mmpose.datasets.transforms import GetBBoxCenterScale, LoadImage

from phr_mmpose.datasets.transforms.load_person_crop import LoadPersonCrop
from phr_mmpose.datasets.transforms.random_mirror import RandomMirror
from phr_mmpose.datasets.transforms.random_scale_rotation import RandomScaleRotation
from phr_mmpose.utils.errors import UserError

# They leave the crop where it is.
_HARMLESS = (RandomMirror, LoadImage)


@dataclass(frozen=True)
class CropGeometry:
    """How a pipeline crops.

    Attributes:
        input_size (tuple[int, int]): Width and height of the input.
        padding (float): Sides of the crop over those of the person's box.
        scale (float): Largest factor by which augmentation widens the crop.
        rotation (float): Largest angle, in degrees, either way.
    """

    input_size: tuple[int, int]
    padding: float
    scale: float
    rotation: float

    @classmethod
    def of_pipeline(cls, transforms: Sequence) -> 'CropGeometry':
        """Read the geometry off a data set's transforms.

        Args:
            transforms (Sequence): The transforms, as built.

        Returns:
            CropGeometry: The widest that they crop.

        Raises:
            UserError: If ``GetBBoxCenterScale`` or ``LoadPersonCrop`` is missing,
                or another transform may move or widen the crop.
        """
        padding, scale, rotation, unknown = None, 1.0, 0.0, []
        for transform in transforms:
            if isinstance(transform, LoadPersonCrop) and padding is not None:
                if unknown:
                    raise UserError(
                        f'a crop cache cannot tell how far {unknown[0]} moves or '
                        'widens the crop; take RandomScaleRotation for it, or leave '
                        'crop_cache out'
                    )
                size = transform.input_size
                return cls(size, padding, max(1.0, scale), rotation)
            if isinstance(transform, GetBBoxCenterScale):
                padding = float(transform.padding)
            elif isinstance(transform, RandomScaleRotation):
                # Factors of one after another multiply; the last angle stands.
                scale /= float(transform.scale[0])
                rotation = float(transform.rotation)
            elif not isinstance(transform, _HARMLESS):
                unknown.append(type(transform).__name__)
        raise UserError(
            'a crop cache needs GetBBoxCenterScale and, after it, LoadPersonCrop in '
            'the pipeline (docs/data.md, "A cache of crops")'
        )

    def fits(self, kept: 'CropGeometry') -> bool:
        """Whether crops kept for one geometry serve this one.

        Args:
            kept (CropGeometry): What the cache was made for.

        Returns:
            bool: True if this one crops alike, and no wider.
        """
        return (
            self.input_size == kept.input_size
            and self.padding == kept.padding
            and self.scale <= kept.scale
            and self.rotation <= kept.rotation
        )

    def side(self, box: np.ndarray) -> float:
        """Width of a person's crop without augmentation, in pixels of the photo.

        Args:
            box (np.ndarray): Shape (4,), x1, y1, x2, y2.

        Returns:
            float: The width, at the input's aspect ratio.
        """
        width, height = self.padding * (box[2:] - box[:2]).astype(float)
        return max(width, height * self.input_size[0] / self.input_size[1])

    def region(
        self, box: np.ndarray, photo_shape: tuple[int, int], margin: float
    ) -> tuple[int, int, int, int]:
        """What of the photo a person's crop may show, however it is augmented.

        Args:
            box (np.ndarray): Shape (4,), x1, y1, x2, y2; it overlaps the photo.
            photo_shape (tuple[int, int]): Height and width of the photo.
            margin (float): Pixels to add on each side, for interpolation.

        Returns:
            tuple[int, int, int, int]: x, y, width, height in whole pixels.
        """
        half_x = self.scale * self.side(box) / 2
        half_y = half_x * self.input_size[1] / self.input_size[0]
        reach_x = _turned(half_x, half_y, self.rotation) + margin
        reach_y = _turned(half_y, half_x, self.rotation) + margin
        x, y = ((box[:2] + box[2:]) / 2).astype(float).tolist()
        left, top = max(0, math.floor(x - reach_x)), max(0, math.floor(y - reach_y))
        right = min(photo_shape[1], math.ceil(x + reach_x) + 1)
        bottom = min(photo_shape[0], math.ceil(y + reach_y) + 1)
        return left, top, right - left, bottom - top


def _turned(along: float, across: float, rotation: float) -> float:
    """Half the extent of a box turned by up to ``rotation`` degrees."""
    worst = min(math.radians(rotation), math.atan2(across, along))
    return along * math.cos(worst) + across * math.sin(worst)


@dataclass(frozen=True)
class CropPlan:
    """What a crop cache must have been made from.

    Attributes:
        geometry (CropGeometry): How the pipeline crops.
        persons (int): Length of the annotation list.
        annotations (str): Digest of the annotation list's file.
        boxes (str): Digest of the persons' boxes, which depend on the data set's
            options too.
    """

    geometry: CropGeometry
    persons: int
    annotations: str
    boxes: str

    @classmethod
    def make(
        cls, geometry: CropGeometry, ann_file: str | Path, items: Sequence[dict]
    ) -> 'CropPlan':
        """Describe a data set.

        Args:
            geometry (CropGeometry): How its pipeline crops.
            ann_file (str | Path): Its annotation list.
            items (Sequence[dict]): All its items, with ``bbox``.

        Returns:
            CropPlan: To make a cache from, or to compare one with.
        """
        boxes = hashlib.sha256()
        for item in items:
            boxes.update(np.ascontiguousarray(item['bbox'], np.float32).tobytes())
        content = Path(ann_file).read_bytes()
        return cls(
            geometry,
            len(items),
            hashlib.sha256(content).hexdigest(),
            boxes.hexdigest(),
        )

    def as_json(self) -> dict:
        """Give the plan as it stands in a cache's file."""
        return asdict(self)

    @classmethod
    def from_json(cls, entry: dict) -> 'CropPlan':
        """Read what :meth:`as_json` gave.

        Raises:
            KeyError, TypeError, ValueError: If it is something else.
        """
        geometry = dict(entry['geometry'])
        geometry['input_size'] = tuple(geometry['input_size'])
        return cls(**{**entry, 'geometry': CropGeometry(**geometry)})

    def difference(self, kept: 'CropPlan') -> str | None:
        """Say why a cache does not serve.

        Args:
            kept (CropPlan): What the cache was made from.

        Returns:
            str | None: The reason, or None if it serves.
        """
        mine, theirs = self.geometry, kept.geometry
        if mine.input_size != theirs.input_size:
            return f'is for an input of {_by(theirs)} px, not {_by(mine)}'
        if not mine.fits(theirs):
            return f'was cropped otherwise ({theirs}, not {mine})'
        if self.annotations != kept.annotations:
            return 'was made for another annotation file, or that has changed'
        if self.persons != kept.persons or self.boxes != kept.boxes:
            return "was made for other boxes of the same file's persons"
        return None


def _by(geometry: CropGeometry) -> str:
    return ' x '.join(map(str, geometry.input_size))
