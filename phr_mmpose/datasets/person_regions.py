"""What part of a photo a person's input can ever show, and how large to keep it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from phr_mmpose.datasets.annotation_list import PIXELS_PER_SCALE, AnnotationList
from phr_mmpose.datasets.body_size import CROP_PADDING

# Reduction goes in steps of 1/8: some whole number of kept pixels then covers a
# whole number of the photo's, with the same factor for rows and columns.
_STEPS = 8
# Boxes that differ by less than this share of their side count as the same.
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class CropRange:
    """How a pipeline crops a person.

    Attributes:
        input_size (tuple[int, int]): Width and height of the input.
        padding (float): Side of the crop over the side of the person's box
            (``GetBBoxCenterScale``).
        scale (tuple[float, float]): Least and largest factor on the body
            (``RandomScaleRotation``).
        rotation (float): Largest angle in degrees, either way.
    """

    input_size: tuple[int, int] = (256, 256)
    padding: float = CROP_PADDING
    scale: tuple[float, float] = (0.7, 1.3)
    rotation: float = 40.0

    def reach(self, sides: np.ndarray) -> np.ndarray:
        """How far from a person's centre the widest crop shows the photo.

        Args:
            sides (np.ndarray): Shape (N,), sides of the boxes of N persons.

        Returns:
            np.ndarray: Shape (N, 2), along x and y, in the pixels of ``sides``.
        """
        size = np.array(self.input_size, dtype=np.float64)
        half = self.padding / self.scale[0] / 2 * size / size.min()
        # The angle at which a corner of the crop lies farthest out.
        worst = np.minimum(math.radians(self.rotation), np.arctan2(half[::-1], half))
        extent = half * np.cos(worst) + half[::-1] * np.sin(worst)
        return np.asarray(sides)[:, None] * extent

    def density(self, sides: np.ndarray) -> np.ndarray:
        """Pixels of the photo for each pixel of the input, in the narrowest crop.

        Args:
            sides (np.ndarray): Shape (N,), sides of the boxes of N persons.

        Returns:
            np.ndarray: Shape (N,).
        """
        return np.asarray(sides) * self.padding / self.scale[1] / min(self.input_size)


@dataclass(frozen=True)
class PersonRegions:
    """Regions of photos, one for each of N persons, and how they are kept.

    Attributes:
        boxes (np.ndarray): Shape (N, 4), x1, y1, x2, y2, pixels of the photo from 0:
            the boxes that the regions surround.
        origins (np.ndarray): Shape (N, 2), int: the first column and row of the
            photo, from 0.
        factors (np.ndarray): Shape (N,): pixels of the photo for each pixel kept, along
            a side; at least 1.
        sizes (np.ndarray): Shape (N, 2), int: width and height in kept pixels. A
            region may reach over the photo's right and lower border.
    """

    boxes: np.ndarray
    origins: np.ndarray
    factors: np.ndarray
    sizes: np.ndarray

    @classmethod
    def around(
        cls, annotations: AnnotationList, crop: CropRange, reduced: np.ndarray
    ) -> 'PersonRegions':
        """Put regions around persons.

        Args:
            annotations (AnnotationList): N persons with the boxes that are cropped.
            crop (CropRange): How they are cropped.
            reduced (np.ndarray): Shape (N,), bool: whether the region may be kept
                with fewer pixels than the photo has.

        Returns:
            PersonRegions: Each holds all that the widest crop shows, with no fewer
            pixels than the input has in the narrowest crop.
        """
        sides = PIXELS_PER_SCALE * annotations.scales
        factors = np.floor(crop.density(sides) * _STEPS) / _STEPS
        factors = np.where(reduced, np.maximum(factors, 1), 1)
        # A warp also reads the pixels beside the one that it asks for.
        reach = crop.reach(sides) + 2 * factors[:, None]
        # From here on pixels count from 0.
        centers = annotations.centers - 1
        half = sides[:, None] / 2
        origins = np.maximum(np.floor(centers - reach), 0)
        sizes = np.ceil((np.ceil(centers + reach) + 1 - origins) / factors[:, None])
        corners = np.concatenate([centers - half, centers + half], axis=1)
        return cls(corners, origins.astype(int), factors, sizes.astype(int))

    def moved(
        self, annotations: AnnotationList, images: Sequence[str]
    ) -> AnnotationList:
        """Convert a list to the pixels that are kept.

        Args:
            annotations (AnnotationList): N persons in pixels of their photos.
            images (Sequence[str]): N names of the kept pictures.

        Returns:
            AnnotationList: The same persons.
        """

        def move(points: np.ndarray) -> np.ndarray:
            # Lists count from 1: the photo's outer edge lies at 0.5.
            ones = (1,) * (points.ndim - 2)
            origins = self.origins.reshape(-1, *ones, 2)
            factors = self.factors.reshape(-1, *ones, 1)
            return (points - origins - 0.5) / factors + 0.5

        return replace(
            annotations,
            images=list(images),
            centers=move(annotations.centers),
            scales=annotations.scales / self.factors,
            joints=move(annotations.joints),
            head_boxes=move(annotations.head_boxes.reshape(-1, 2, 2)).reshape(-1, 4),
        )


def plan_regions(
    annotations: AnnotationList,
    convert: Callable[[AnnotationList], AnnotationList],
    crop: CropRange,
) -> PersonRegions:
    """Choose what to keep of each person of a list.

    Args:
        annotations (AnnotationList): N persons, as the list has them.
        convert (Callable): What the data set makes of a list's boxes
            (``PartDataset.convert``).
        crop (CropRange): How the boxes are cropped.

    Returns:
        PersonRegions: Regions in which the data set puts its boxes where it puts them
        in the photos.
    """
    boxes = convert(annotations)
    reduced = np.ones(len(annotations), dtype=bool)
    regions = PersonRegions.around(boxes, crop, reduced)
    # A box may depend on the size in pixels, as LSPET's does where too few joints tell
    # the body's size. Such persons keep their pixels.
    there = regions.moved(boxes, annotations.images)
    again = convert(regions.moved(annotations, annotations.images))
    sides = PIXELS_PER_SCALE * there.scales
    away = np.abs(there.centers - again.centers).max(axis=1) / sides
    grown = np.abs(again.scales / there.scales - 1)
    reduced = np.maximum(away, grown) < _TOLERANCE
    return PersonRegions.around(boxes, crop, reduced)
