"""Load a photo of any kind, or say in one line what is wrong with it."""

import numpy as np
from mmengine import fileio
from mmpose.datasets.transforms import LoadImage
from mmpose.registry import TRANSFORMS

from phr_mmpose.datasets.boxes import check_boxes, check_photo_size
from phr_mmpose.datasets.photos import decode_photo, to_bgr8
from phr_mmpose.utils.errors import UserError


@TRANSFORMS.register_module()
class CheckedLoadImage(LoadImage):
    """MMPose's ``LoadImage`` with grey, 16-bit and transparent photos done right.

    The picture is always 8-bit BGR (see :func:`phr_mmpose.datasets.photos`):
    16 bits are scaled, transparency is laid on white, all are turned upright.
    Boxes, where the sample has them, are checked against the photo.

    Required keys: ``img_path``, or ``img``: (H, W), (H, W, 1), BGR (H, W, 3) or
    BGRA (H, W, 4) array of 8- or 16-bit integers. Optional: ``bbox`` (N, 4).

    Added keys: ``img`` (H, W, 3), ``img_shape``, ``ori_shape`` (H, W).

    Args:
        to_float32 (bool): Give float32 instead of uint8. Defaults to False.
        ignore_empty (bool): Give None for a photo that cannot be read, so that
            training goes on with another one. Defaults to False.
        backend_args (dict, optional): Of MMEngine's file backend.

    Raises:
        UserError: If the photo cannot be read, ends early, is smaller than 2 px or
            too large, or a box cannot be one of it.
    """

    def __init__(
        self,
        to_float32: bool = False,
        ignore_empty: bool = False,
        *,
        backend_args: dict | None = None,
    ) -> None:
        super().__init__(
            to_float32=to_float32, ignore_empty=ignore_empty, backend_args=backend_args
        )

    def transform(self, results: dict) -> dict | None:
        """Load the photo of one sample.

        Args:
            results (dict): The sample.

        Returns:
            dict | None: The sample with its picture; None for an unreadable photo
            with ``ignore_empty``.
        """
        source = results.setdefault('img_path', None) or 'the given array'
        try:
            image = self._image(results, source)
        except UserError:
            if self.ignore_empty:
                return None
            raise
        shape = image.shape[:2]
        check_photo_size(results.get('img_shape'), shape, source)
        if results.get('bbox') is not None:
            check_boxes(results['bbox'], shape, source)
        results['img'] = image.astype(np.float32) if self.to_float32 else image
        results['img_shape'] = results['ori_shape'] = shape
        return results

    def _image(self, results: dict, source: str) -> np.ndarray:
        if results.get('img') is not None:
            if not isinstance(results['img'], np.ndarray):
                kind = type(results['img']).__name__
                raise UserError(f'{source}: expected a numpy array, not {kind}')
            return to_bgr8(results['img'], source)
        return decode_photo(self._content(source), source)

    def _content(self, source: str) -> bytes:
        try:
            content = fileio.get(source, backend_args=self.backend_args)
        # A name that no file can have, with a null byte, is a ValueError.
        except (OSError, ValueError) as error:
            reason = getattr(error, 'strerror', None) or error
            raise UserError(f'{source}: {reason}; check data_prefix') from None
        return bytes(content)
