"""The detector's target: part label maps (paper, section 3, "Part detection")."""

import torch
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from phr_mmpose.codecs.part_map_codec import PartMapCodec, argmax_2d
from phr_mmpose.utils.errors import UserError


@KEYPOINT_CODECS.register_module()
class BinaryDisc(PartMapCodec):
    """Part label maps: 1 within ``radius`` of a visible joint, 0 elsewhere.

    From `Human Pose Estimation via Convolutional Part Heatmap Regression
    <https://arxiv.org/abs/1609.01743>`_, section 3: radius 10 px where an
    upright body is 200 px tall, which the usual crop to 256 px makes it.

    Args:
        input_size (tuple[int, int]): Input image size in pixels, (w, h).
        heatmap_size (tuple[int, int]): Heatmap size in pixels, (w, h).
        radius (float, optional): Radius in pixels of the heatmap grid.
            Defaults to the paper's 10 px of a map 256 px high, in proportion.
        occluded (str): ``'zero'``: an occluded joint has an all-zero map with
            its loss on, so that the detector learns low confidence;
            ``'ignore'``: it weighs 0. Defaults to ``'zero'``.

    Raises:
        UserError: If the sizes do not fit, the radius is not positive or
            ``occluded`` is of another name.
    """

    needs_visibility = True

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        radius: float | None = None,
        occluded: str = 'zero',
    ):
        super().__init__(input_size, heatmap_size)
        if radius is None:
            radius = self.relative(10)
        if not radius > 0:
            raise UserError(f'BinaryDisc radius must be positive, got {radius}')
        if occluded not in ('zero', 'ignore'):
            raise UserError(
                f"BinaryDisc occluded must be 'zero' or 'ignore', got {occluded!r}"
            )
        self.radius = radius
        self.occluded = occluded

    def draw(self, squared_dx: Tensor, squared_dy: Tensor) -> Tensor:
        """Draw discs; see :meth:`PartMapCodec.draw`."""
        squared = squared_dy[..., :, None] + squared_dx[..., None, :]
        return (squared <= self.radius**2).float()

    def weigh(
        self, keypoints: Tensor, annotated: Tensor, unoccluded: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draw visible joints only; see :meth:`PartMapCodec.weigh`.

        A joint outside the crop keeps its weight: it is not to be seen there,
        and the detector should say so.
        """
        weights = annotated if self.occluded == 'zero' else annotated & unoccluded
        return unoccluded, weights

    def decode_batch(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Find the disc that fits best: a matched filter, then a finer fit.

        The plain arg-max of a disc is any pixel of a plateau. The disc that
        fits in the least-squares sense, whatever its height, maximises
        ``sum(map inside) / sqrt(pixels inside)``; only pixels of the picture
        count, so that a disc that the border cuts is found as well.

        Args:
            maps (Tensor): (B, K, H, W), probabilities.

        Returns:
            tuple[Tensor, Tensor]: Keypoints (B, K, 2) in input pixels, to a
            quarter of a heatmap pixel; scores (B, K): the map's value at the
            nearest pixel.
        """
        maps = maps.float()
        reach = int(self.radius)
        grid = torch.arange(-reach, reach + 1, device=maps.device)
        disc = self._discs(grid, maps.new_zeros(1, 2))
        sums = _correlate(maps.flatten(0, 1), disc[0]).view_as(maps)
        pixels = _correlate(torch.ones_like(maps[0, :1]), disc[0])
        columns, rows, _ = argmax_2d(sums / pixels.sqrt())
        nearest = (rows * maps.shape[3] + columns)[..., None]
        scores = maps.flatten(2).gather(2, nearest)[..., 0]
        points = torch.stack((columns, rows), dim=-1)
        return (points + self._offset(maps, points)) * self.stride, scores

    def _offset(self, maps: Tensor, points: Tensor) -> Tensor:
        """Fit discs around whole pixels (B, K, 2) to a quarter of a pixel."""
        reach = int(self.radius) + 2
        grid = torch.arange(-reach, reach + 1, device=maps.device)
        steps = torch.arange(-4, 5, device=maps.device) / 4
        offsets = torch.cartesian_prod(steps, steps)  # (81, 2)
        discs = self._discs(grid, offsets).flatten(1)  # (81, P)
        height, width = maps.shape[2:]
        columns = (points[..., :1] + grid)[..., None, :]
        rows = (points[..., 1:] + grid)[..., :, None]
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        index = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
        inside = inside.flatten(2).float()  # (B, K, P)
        patch = maps.flatten(2).gather(2, index.flatten(2)) * inside
        fit = (patch @ discs.T) / (inside @ discs.T).clamp(min=1).sqrt()
        # Neighbouring discs often cover the same pixels: take their middle.
        best = (fit >= fit.amax(dim=-1, keepdim=True) * (1 - 1e-5)).float()
        return (best @ offsets) / best.sum(dim=-1, keepdim=True)

    def _discs(self, grid: Tensor, offsets: Tensor) -> Tensor:
        """Draw discs (M, k, k) on a grid (k,) about offsets (M, 2) in pixels."""
        return self.draw(
            (grid - offsets[:, :1]).square(), (grid - offsets[:, 1:]).square()
        )


def _correlate(maps: Tensor, kernel: Tensor) -> Tensor:
    """Correlate (M, H, W) maps with one odd, point-symmetric (k, k) kernel.

    By FFT: at the paper's size a disc has 317 pixels, and the direct sum costs
    ten times as much.
    """
    reach = kernel.shape[0] // 2
    height, width = maps.shape[1:]
    # Multiples of 32 have small prime factors, the quick sizes of an FFT.
    size = [-(-(side + 2 * reach) // 32) * 32 for side in (height, width)]
    spectrum = torch.fft.rfft2(maps, size) * torch.fft.rfft2(kernel, size)
    full = torch.fft.irfft2(spectrum, size)
    same = full[:, reach : reach + height, reach : reach + width]
    # FFT noise would break ties between equal sums at random; sums of a disc
    # are integers on label maps, so rounding restores the ties.
    return (same * 4096).round() / 4096
