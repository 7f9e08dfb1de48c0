"""The detector's target: part label maps (paper, section 3, "Part detection")."""

import torch
import torch.nn.functional as F
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
        """Find the disc that fits best: a matched filter, then the arg-max.

        The plain arg-max of a disc is any pixel of a plateau; the correlation
        with a disc of the same radius has its peak at the disc's centre, also
        where the picture's border cuts the disc.

        Args:
            maps (Tensor): (B, K, H, W), probabilities.

        Returns:
            tuple[Tensor, Tensor]: Keypoints (B, K, 2) in input pixels; scores
            (B, K): the map's value at that place.
        """
        maps = maps.float()
        reach = int(self.radius)
        offsets = torch.arange(-reach, reach + 1, device=maps.device)
        disc = (offsets[:, None] ** 2 + offsets**2 <= self.radius**2).to(maps)
        batch, parts = maps.shape[:2]
        response = _correlate(maps.flatten(0, 1), disc).view_as(maps)
        columns, rows, _ = argmax_2d(response)
        index = (rows * maps.shape[3] + columns).view(batch, parts, 1)
        scores = maps.flatten(2).gather(2, index)[..., 0]
        return torch.stack((columns, rows), dim=-1).float() * self.stride, scores


def _correlate(maps: Tensor, kernel: Tensor) -> Tensor:
    """Correlate (M, H, W) maps with one odd, point-symmetric (k, k) kernel.

    By FFT: at the paper's size a disc has 317 pixels, and the direct sum costs
    ten times as much.
    """
    reach = kernel.shape[0] // 2
    height, width = maps.shape[1] + 2 * reach, maps.shape[2] + 2 * reach
    spectrum = torch.fft.rfft2(maps, (height, width))
    spectrum = spectrum * torch.fft.rfft2(kernel, (height, width))
    full = torch.fft.irfft2(spectrum, (height, width))
    # FFT noise would break ties between equal sums at random; sums of a disc
    # are integers on label maps, so rounding restores the ties.
    full = (full * 4096).round() / 4096
    return F.pad(full, (-reach, -reach, -reach, -reach))
