"""From pixels of the crops to pixels of the photos, for a whole batch."""

import numpy as np
import torch
from torch import Tensor

_CROP = ('input_center', 'input_scale', 'input_size')


def to_photo_pixels(keypoints: Tensor, batch_data_samples: list) -> Tensor:
    """Undo the crops of the test pipeline, on the device of the keypoints.

    Args:
        keypoints (Tensor): (B, K, 2) in input pixels.
        batch_data_samples (list[PoseDataSample]): With ``input_center``,
            ``input_scale`` and ``input_size`` as ``TopdownAffine`` leaves them.

    Returns:
        Tensor: (B, K, 2) in pixels of each sample's photo, in float64 where the
        device has it: a large photo has thousands of pixels, and a difference of
        two such numbers in float32 leaves no 1e-4 px.
    """
    crops = np.array(
        [
            [np.reshape(sample.metainfo[key], 2) for key in _CROP]
            for sample in batch_data_samples
        ],
        dtype=np.float64,
    )
    device = keypoints.device
    dtype = torch.float32 if device.type == 'mps' else torch.float64
    center, scale, size = torch.from_numpy(crops).to(device, dtype).unbind(1)
    corner = center - 0.5 * scale
    return keypoints.to(dtype) * (scale / size)[:, None] + corner[:, None]
