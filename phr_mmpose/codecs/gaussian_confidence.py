"""The refiner's target: confidence maps (paper, section 3, Eq. 2)."""

import torch
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from phr_mmpose.codecs.heatmap_codec import HeatmapCodec, argmax_2d
from phr_mmpose.utils.errors import UserError

_REFINEMENTS = ('none', 'quarter', 'taylor')


@KEYPOINT_CODECS.register_module()
class GaussianConfidence(HeatmapCodec):
    """Confidence maps: a Gaussian at each annotated joint, occluded or not.

    From `Human Pose Estimation via Convolutional Part Heatmap Regression
    <https://arxiv.org/abs/1609.01743>`_, section 3: sigma 5 px where an
    upright body is 200 px tall. The Gaussian is centred between pixels where
    the joint is, and not cut off.

    Args:
        input_size (tuple[int, int]): Input image size in pixels, (w, h).
        heatmap_size (tuple[int, int]): Heatmap size in pixels, (w, h).
        sigma (float, optional): Standard deviation in pixels of the heatmap
            grid. Defaults to the paper's 5 px of a map 256 px high, in
            proportion.
        refinement (str): How the arg-max is refined: ``'none'`` (the authors'
            demo, right at full resolution), ``'quarter'`` (a quarter pixel
            towards the larger neighbour) or ``'taylor'`` (second-order
            expansion of the log map, exact on a Gaussian). Defaults to
            ``'none'``.

    Raises:
        UserError: If the sizes do not fit, sigma is not positive or the
            refinement is of another name.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        sigma: float | None = None,
        refinement: str = 'none',
    ):
        super().__init__(input_size, heatmap_size)
        if sigma is None:
            sigma = self.relative(5)
        if not sigma > 0:
            raise UserError(f'GaussianConfidence sigma must be positive, got {sigma}')
        if refinement not in _REFINEMENTS:
            raise UserError(
                f'GaussianConfidence refinement must be one of {_REFINEMENTS}, '
                f'got {refinement!r}'
            )
        self.sigma = sigma
        self.refinement = refinement

    def draw(self, squared_dx: Tensor, squared_dy: Tensor) -> Tensor:
        """Draw Gaussians; see :meth:`HeatmapCodec.draw`."""
        # A Gaussian is separable: two small exponentials and one product.
        factor = -0.5 / self.sigma**2
        return (
            torch.exp(squared_dy * factor)[..., :, None]
            * torch.exp(squared_dx * factor)[..., None, :]
        )

    def weigh(
        self, keypoints: Tensor, annotated: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draw all annotated joints; see :meth:`HeatmapCodec.weigh`.

        A joint further than 3 sigma outside the crop weighs 0, as in MMPose's
        codecs: its map would be empty, though the joint exists.
        """
        width, height = self.heatmap_size
        reach = 3 * self.sigma
        upper = keypoints.new_tensor([width - 1 + reach, height - 1 + reach])
        inside = ((keypoints >= -reach) & (keypoints <= upper)).all(dim=-1)
        present = annotated & inside
        return present, present

    def decode_batch(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Take the arg-max of each map and refine it.

        Args:
            maps (Tensor): (B, K, H, W).

        Returns:
            tuple[Tensor, Tensor]: Keypoints (B, K, 2) in input pixels; scores
            (B, K), the maximum.
        """
        maps = maps.float()
        columns, rows, scores = argmax_2d(maps)
        points = torch.stack((columns, rows), dim=-1).float()
        if self.refinement != 'none':
            points = points + self._offset(maps, columns, rows)
        return self.to_input(points), scores

    def _offset(self, maps: Tensor, columns: Tensor, rows: Tensor) -> Tensor:
        """Sub-pixel offset (B, K, 2) of the peak at (columns, rows) (B, K)."""
        height, width = maps.shape[2:]
        flat = maps.flatten(2)

        def at(dx: int, dy: int) -> Tensor:
            index = (rows + dy).clamp(0, height - 1) * width
            index = index + (columns + dx).clamp(0, width - 1)
            return flat.gather(2, index[..., None])[..., 0]

        inner = (columns > 0) & (columns < width - 1) & (rows > 0) & (rows < height - 1)
        if self.refinement == 'quarter':
            gradient = torch.stack((at(1, 0) - at(-1, 0), at(0, 1) - at(0, -1)), dim=-1)
            return (0.25 * gradient.sign()).where(inner[..., None], 0).nan_to_num()
        log = {
            (dx, dy): at(dx, dy).clamp(min=1e-10).log()
            for dx in (-1, 0, 1)
            for dy in (-1, 0, 1)
        }
        gx = (log[1, 0] - log[-1, 0]) / 2
        gy = (log[0, 1] - log[0, -1]) / 2
        hxx = log[1, 0] - 2 * log[0, 0] + log[-1, 0]
        hyy = log[0, 1] - 2 * log[0, 0] + log[0, -1]
        hxy = (log[1, 1] - log[1, -1] - log[-1, 1] + log[-1, -1]) / 4
        determinant = hxx * hyy - hxy.square()
        # Only a proper maximum is refined: both curvatures negative.
        usable = inner & (hxx < 0) & (determinant > 1e-10)
        determinant = torch.where(usable, determinant, torch.ones_like(determinant))
        offset = torch.stack(
            ((hxy * gy - hyy * gx) / determinant, (hxy * gx - hxx * gy) / determinant),
            dim=-1,
        )
        # The peak of a sampled map lies within half a pixel of its arg-max.
        return offset.clamp(-0.5, 0.5).where(usable[..., None], 0)
