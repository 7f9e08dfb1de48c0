"""From the photo's file, or the crop kept of it, to the input in one warp."""

import cv2
import numpy as np
from mmpose.datasets.transforms import TopdownAffine
from mmpose.registry import TRANSFORMS
from mmpose.structures.bbox import flip_bbox, get_warp_matrix
from mmpose.structures.keypoint import flip_keypoints

from phr_mmpose.datasets.boxes import check_boxes
from phr_mmpose.datasets.pixel_grid import PixelGrid
from phr_mmpose.datasets.reduced_photos import choose_reduction, decode_reduced
from phr_mmpose.datasets.transforms.checked_load_image import CheckedLoadImage
from phr_mmpose.utils.errors import UserError


@TRANSFORMS.register_module()
class LoadPersonCrop(CheckedLoadImage):
    """``CheckedLoadImage``, ``RandomFlip`` and ``TopdownAffine`` in one.

    Put it after the transforms that choose the crop. Knowing the crop, it decodes
    a large JPEG at a half, a quarter or an eighth of its size, never at fewer
    pixels than the input has, and mirrors, turns and scales with a single warp.
    Boxes, keypoints and the map from the photo to the input are those of the three
    transforms; so are the pixels, but that a reduced photo is smoother.

    Where the sample comes from a data set with ``crop_cache``, the crop is read
    from there and no photo is opened.

    Required keys: those of ``CheckedLoadImage``, ``bbox_center`` and ``bbox_scale``
    (1, 2). Optional: ``bbox_rotation`` (1,), ``flip`` (``RandomMirror``),
    ``keypoints`` (1, K, 2), ``keypoints_visible``, ``crop_cache`` with ``id``. K is
    the number of joints.

    Added and modified keys: those of the three transforms.

    Args:
        input_size (tuple[int, int]): Width and height of the input.
        reduce (bool): Decode JPEGs at reduced size. Defaults to True.
        ignore_empty (bool): As in ``CheckedLoadImage``. Defaults to False.
        backend_args (dict, optional): As in ``CheckedLoadImage``.

    Raises:
        UserError: As ``CheckedLoadImage``, or if the crop cache is damaged or does
            not hold what the sample's crop shows.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        reduce: bool = True,
        ignore_empty: bool = False,
        *,
        backend_args: dict | None = None,
    ) -> None:
        super().__init__(ignore_empty=ignore_empty, backend_args=backend_args)
        if len(input_size) != 2 or min(input_size) < 1:
            raise UserError(f'input_size must be (width, height), got {input_size}')
        self.input_size = tuple(int(side) for side in input_size)
        self.reduce = reduce

    def transform(self, results: dict) -> dict | None:
        """Load and crop one sample.

        Args:
            results (dict): The sample.

        Returns:
            dict | None: The sample with its input; None for an unreadable photo
            with ``ignore_empty``.
        """
        width, height = self.input_size
        scale = TopdownAffine._fix_aspect_ratio(results['bbox_scale'], width / height)
        results['bbox_scale'] = scale
        found = self._pixels(results, float(scale[0, 0]) / width)
        if found is None:
            return None
        image, grid = found
        if results.get('flip'):
            self._mirror(results)

        center = results['bbox_center'][0]
        rotation = results['bbox_rotation'][0] if 'bbox_rotation' in results else 0.0
        matrix = get_warp_matrix(center, scale[0], rotation, self.input_size)
        self._move_joints(results, matrix)
        if results.get('flip'):
            # Pixels are taken from the photo as it is.
            matrix[:, 2] += matrix[:, 0] * (results['ori_shape'][1] - 1)
            matrix[:, 0] *= -1
        results['img'] = cv2.warpAffine(
            image, grid.apply(matrix), self.input_size, flags=cv2.INTER_LINEAR
        )
        results['input_size'] = self.input_size
        results['input_center'] = center
        results['input_scale'] = scale[0]
        return results

    def _pixels(
        self, results: dict, density: float
    ) -> tuple[np.ndarray, PixelGrid] | None:
        """Find the sample's pixels.

        Args:
            results (dict): The sample; gets the photo's shape.
            density (float): Pixels of the photo for each of the input.

        Returns:
            tuple | None: Picture and grid; None for a photo to skip.
        """
        cache = results.get('crop_cache')
        if cache is not None:
            stored = cache.read(results['id'])
            self._check_covered(results, stored.region, stored.photo_shape, cache.path)
            density /= max(stored.grid.scale_x, stored.grid.scale_y)
            reduction = self._reduction(density)
            image, grid = cache.decode(results['id'], stored, reduction)
            shape = stored.photo_shape
        else:
            found = self._photo(results, density)
            if found is None:
                return None
            image, grid, shape = found
        results['img_shape'] = results['ori_shape'] = shape
        return image, grid

    def _photo(
        self, results: dict, density: float
    ) -> tuple[np.ndarray, PixelGrid, tuple[int, int]] | None:
        source = results.setdefault('img_path', None) or 'the given array'
        # Only a photo may be skipped: a faulty box or cache is a fault of the set.
        try:
            if results.get('img') is not None:
                image = self._image(results, source)
                grid, shape = PixelGrid(), image.shape[:2]
            else:
                image, grid, shape = decode_reduced(
                    self._content(source), source, self._reduction(density)
                )
        except UserError:
            if self.ignore_empty:
                return None
            raise
        if results.get('bbox') is not None:
            check_boxes(results['bbox'], shape, source)
        return image, grid, shape

    def _reduction(self, density: float) -> int:
        return choose_reduction(density) if self.reduce else 1

    @staticmethod
    def _check_covered(
        results: dict,
        region: tuple[int, int, int, int],
        photo_shape: tuple[int, int],
        source: str,
    ) -> None:
        """Check that the kept region has all of the photo that the crop shows."""
        x, y = results['bbox_center'][0].tolist()
        half_x, half_y = (results['bbox_scale'][0] / 2).tolist()
        if 'bbox_rotation' in results:
            angle = np.deg2rad(float(results['bbox_rotation'][0]))
            cos, sin = abs(np.cos(angle)), abs(np.sin(angle))
            half_x, half_y = half_x * cos + half_y * sin, half_x * sin + half_y * cos
        left, top, width, height = region
        # A kept region ends a pixel or more further out, or at the photo's edge.
        if (
            max(x - half_x, 0) < left
            or max(y - half_y, 0) < top
            or min(x + half_x, photo_shape[1]) > left + width
            or min(y + half_y, photo_shape[0]) > top + height
        ):
            raise UserError(
                f'{source}: person {results["id"]} is cropped wider than was kept; '
                'no transform but RandomScaleRotation may change its crop'
            )

    @staticmethod
    def _mirror(results: dict) -> None:
        """Mirror what counts pixels of the photo, as ``RandomFlip`` does."""
        size = results['ori_shape'][::-1]
        for key, kind in (('bbox', 'xyxy'), ('bbox_center', 'center')):
            if results.get(key) is not None:
                results[key] = flip_bbox(results[key], size, kind)
        if results.get('keypoints') is not None:
            results['keypoints'], results['keypoints_visible'] = flip_keypoints(
                results['keypoints'],
                results['keypoints_visible'],
                size,
                results['flip_indices'],
            )

    @staticmethod
    def _move_joints(results: dict, matrix: np.ndarray) -> None:
        """Map the joints to the input; ``TopdownAffine``'s dummies without any."""
        if results.get('keypoints') is not None:
            moved = results['keypoints'].copy()
            moved[..., :2] = cv2.transform(results['keypoints'][..., :2], matrix)
            results['transformed_keypoints'] = moved
        else:
            results['transformed_keypoints'] = np.zeros([])
            results['keypoints_visible'] = np.ones((1, 1, 1))
