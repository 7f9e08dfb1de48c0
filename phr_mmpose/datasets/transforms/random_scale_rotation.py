"""The paper's geometric augmentation (section 3.1)."""

import numpy as np
from mmpose.registry import TRANSFORMS

from phr_mmpose.datasets.transforms.random_transform import RandomTransform
from phr_mmpose.utils.errors import UserError


@TRANSFORMS.register_module()
class RandomScaleRotation(RandomTransform):
    """Scale and rotate the body in the crop, uniformly over a range.

    MMPose's ``RandomBBoxTransform`` draws from a truncated normal
    distribution, which stays near the middle of the ranges that the paper
    names and costs a third of the loader's time. See :class:`RandomTransform` for
    where the numbers come from.

    Required and modified keys: ``bbox_scale`` (N, 2); ``bbox_rotation`` (N,)
    is set. N is the number of boxes.

    Args:
        scale (tuple[float, float]): Range of the factor on the body's size in the
            crop; the box is divided by it. Defaults to the paper's (0.7, 1.3).
        rotation (float): Largest angle in degrees, either way. Defaults to
            the paper's 40.

    Raises:
        UserError: If a range is empty or not positive.
    """

    def __init__(self, scale: tuple[float, float] = (0.7, 1.3), rotation: float = 40.0):
        super().__init__()
        if not 0 < scale[0] <= scale[1]:
            raise UserError(f'scale must be a range of positive factors, got {scale}')
        if not 0 <= rotation <= 180:
            raise UserError(f'rotation must lie in 0 to 180 degrees, got {rotation}')
        self.scale = tuple(scale)
        self.rotation = rotation

    def transform(self, results: dict) -> dict:
        """Draw a factor and an angle for each box.

        Args:
            results (dict): The pipeline's results.

        Returns:
            dict: The same, with the boxes changed.
        """
        count = len(results['bbox_scale'])
        rng = self.rng(results)
        factors = rng.uniform(*self.scale, size=(count, 1))
        angles = rng.uniform(-self.rotation, self.rotation, size=count)
        results['bbox_scale'] = results['bbox_scale'] / factors.astype(np.float32)
        results['bbox_rotation'] = angles.astype(np.float32)
        return results
