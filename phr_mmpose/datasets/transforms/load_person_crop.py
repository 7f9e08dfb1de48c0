"""From the photo's file to the input in one warp."""

import cv2
import numpy as np
from mmpose.datasets.transforms import TopdownAffine
from mmpose.registry import TRANSFORMS
from mmpose.structures.bbox import flip_bbox, get_warp_matrix
from mmpose.structures.keypoint import flip_keypoints

from phr_mmpose.datasets.boxes import check_boxes, check_photo_size
from phr_mmpose.datasets.pixel_grid import PixelGrid
from phr_mmpose.datasets.reduced_photos import choose_reduction, decode_reduced
from phr_mmpose.datasets.transforms.checked_load_image import CheckedLoadImage
from phr_mmpose.utils.errors import UserError


@TRANSFORMS.register_module()
class LoadPersonCrop(CheckedLoadImage):
    """``CheckedLoadImage``, ``RandomFlip`` and ``TopdownAffine`` in one.

    Put it after the transforms that choose the crop. Knowing the crop, it decodes a
    large JPEG at a half, a quarter or an eighth of its size, never at fewer pixels than
    the input has, and mirrors, turns and scales with a single warp. Boxes, keypoints
    and the map from the photo to the input are those of the three transforms; so are
    the pixels, except that a reduced photo is smoother.

    Required keys: those of ``CheckedLoadImage``, ``bbox_center`` and ``bbox_scale``
    (1, 2). Optional: ``bbox_rotation`` (1,), ``mirror`` (``RandomMirror``),
    ``keypoints`` (1, K, 2), ``keypoints_visible``. K is the number of joints.

    Added and modified keys: those of the three transforms.

    Args:
        input_size (tuple[int, int]): Width and height of the input.
        reduce (bool): Decode JPEGs at reduced size. Defaults to True.
        ignore_empty (bool): As in ``CheckedLoadImage``. Defaults to False.
        backend_args (dict, optional): As in ``CheckedLoadImage``.

    Raises:
        UserError: As ``CheckedLoadImage``.
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
        found = self._photo(results, float(scale[0, 0]) / width)
        if found is None:
            return None
        image, grid = found
        mirror = results.pop('mirror', None)
        if mirror is not None:
            # As RandomFlip, whose photo is mirrored when it comes here.
            results['flip'] = mirror
            results['flip_direction'] = 'horizontal' if mirror else None
        if mirror:
            self._mirror(results)

        center = results['bbox_center'][0]
        rotation = results['bbox_rotation'][0] if 'bbox_rotation' in results else 0.0
        matrix = get_warp_matrix(center, scale[0], rotation, self.input_size)
        self._move_joints(results, matrix)
        if mirror:
            # The photo itself is not mirrored; the warp does it.
            matrix[:, 2] += matrix[:, 0] * (results['ori_shape'][1] - 1)
            matrix[:, 0] *= -1
        results['img'] = cv2.warpAffine(
            image, grid.apply(matrix), self.input_size, flags=cv2.INTER_LINEAR
        )
        results['input_size'] = self.input_size
        results['input_center'] = center
        results['input_scale'] = scale[0]
        return results

    def _photo(
        self, results: dict, density: float
    ) -> tuple[np.ndarray, PixelGrid] | None:
        """Read the photo.

        Args:
            results (dict): The sample; gets the photo's shape.
            density (float): Pixels of the photo for each pixel of the input.

        Returns:
            tuple | None: The photo, reduced or not, and where its pixels lie; None
            for a photo to skip.
        """
        source = results.setdefault('img_path', None) or 'the given array'
        # Only a photo may be skipped: a faulty box is an error in the data set.
        try:
            if results.get('img') is not None:
                image = self._image(results, source)
                grid, shape = PixelGrid(), image.shape[:2]
            else:
                reduction = choose_reduction(density) if self.reduce else 1
                image, grid, shape = decode_reduced(
                    self._content(source), source, reduction
                )
        except UserError:
            if self.ignore_empty:
                return None
            raise
        check_photo_size(results.get('img_shape'), shape, source)
        if results.get('bbox') is not None:
            check_boxes(results['bbox'], shape, source)
        results['img_shape'] = results['ori_shape'] = shape
        return image, grid

    @staticmethod
    def _mirror(results: dict) -> None:
        """Mirror what is in pixels of the photo, as ``RandomFlip`` does."""
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
        """Map the joints to the input; without any, set ``TopdownAffine``'s dummies."""
        if results.get('keypoints') is not None:
            moved = results['keypoints'].copy()
            moved[..., :2] = cv2.transform(results['keypoints'][..., :2], matrix)
            results['transformed_keypoints'] = moved
        else:
            results['transformed_keypoints'] = np.zeros([])
            results['keypoints_visible'] = np.ones((1, 1, 1))
