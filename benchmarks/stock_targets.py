"""What the cascade would need of MMPose's loader: discs beside its Gaussians."""

import numpy as np
from mmpose.codecs.base import BaseKeypointCodec
from mmpose.registry import KEYPOINT_CODECS

SIDE = 256


@KEYPOINT_CODECS.register_module()
class StockDisc(BaseKeypointCodec):
    """Discs drawn in numpy, joint by joint, as MMPose's codecs draw Gaussians.

    Args:
        input_size (tuple[int, int]): Input in pixels, (w, h).
        heatmap_size (tuple[int, int]): Maps in pixels, (w, h).
        radius (float): In pixels of the maps.
    """

    label_mapping_table = dict(keypoint_weights='keypoint_weights')
    field_mapping_table = dict(heatmaps='heatmaps')

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        radius: float,
    ) -> None:
        super().__init__()
        self.heatmap_size = heatmap_size
        self.radius = radius
        self.scale_factor = np.array(input_size) / np.array(heatmap_size)

    def encode(
        self, keypoints: np.ndarray, keypoints_visible: np.ndarray | None = None
    ) -> dict:
        """Draw the maps of one sample.

        Args:
            keypoints (np.ndarray): Shape (1, K, 2), pixels of the input.
            keypoints_visible (np.ndarray, optional): Shape (1, K).

        Returns:
            dict: ``heatmaps`` (K, H, W) and ``keypoint_weights`` (1, K), float32.
        """
        width, height = self.heatmap_size
        points = keypoints[0] / self.scale_factor
        weights = np.ones(keypoints.shape[:2], np.float32)
        if keypoints_visible is not None:
            weights = keypoints_visible.astype(np.float32).copy()
        maps = np.zeros((len(points), height, width), np.float32)
        for index, (x, y) in enumerate(points):
            left, top = int(np.ceil(x - self.radius)), int(np.ceil(y - self.radius))
            right, low = int(x + self.radius) + 1, int(y + self.radius) + 1
            left, top = max(left, 0), max(top, 0)
            right, low = min(right, width), min(low, height)
            if weights[0, index] < 0.5 or left >= right or top >= low:
                continue
            columns, rows = np.arange(left, right), np.arange(top, low)[:, None]
            disc = (columns - x) ** 2 + (rows - y) ** 2 <= self.radius**2
            maps[index, top:low, left:right] = disc
        return dict(heatmaps=maps, keypoint_weights=weights)

    def decode(self, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Refuse: only a loader uses this codec."""
        raise NotImplementedError('discs are drawn here, not read')


def target_encoders() -> list[dict]:
    """Codecs of the paper's discs and Gaussians at full resolution."""
    size = dict(input_size=(SIDE, SIDE), heatmap_size=(SIDE, SIDE))
    return [
        dict(type='StockDisc', radius=10.0, **size),
        # Of the paper's Gaussian, 5 px.
        dict(type='MSRAHeatmap', sigma=5, **size),
    ]
