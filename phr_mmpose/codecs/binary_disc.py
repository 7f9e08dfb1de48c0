"""The detector's target: label maps (paper, section 3, "Part detection")."""

import torch
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from phr_mmpose.codecs.heatmap_codec import HeatmapCodec, argmax_2d
from phr_mmpose.utils.errors import UserError


@KEYPOINT_CODECS.register_module()
class BinaryDisc(HeatmapCodec):
    """Part label maps: 1 within ``radius`` of a visible joint, 0 elsewhere.

    From `Human Pose Estimation via Convolutional Part Heatmap Regression
    <https://arxiv.org/abs/1609.01743>`_, section 3: radius 10 px where an
    upright body is 200 px tall, which the usual crop to 256 px makes it. The map of a
    hidden joint is all zero with its loss on, so that the detector learns low
    confidence there.

    Args:
        input_size (tuple[int, int]): Input image size in pixels, (w, h).
        heatmap_size (tuple[int, int]): Heatmap size in pixels, (w, h).
        radius (float, optional): Radius in pixels of the heatmap grid.
            Defaults to the paper's 10 px of a map 256 px high, in proportion, but
            so large at least that it holds a pixel.
        visibility (dict, optional): How :meth:`visibility` weighs what it reads, as
            ``tools/fit_visibility.py`` finds it: ``peak`` and ``mass`` (float) and
            ``bias`` (a number, or K of them). Defaults to the peak as it is.

    Raises:
        UserError: If the sizes do not fit, the radius is not positive or
            ``visibility`` has other keys.
    """

    needs_visibility = True

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        radius: float | None = None,
        visibility: dict | None = None,
    ):
        super().__init__(input_size, heatmap_size)
        if radius is None:
            # The next pixel's centre may be as far as the square root of 1/2.
            radius = max(self.relative(10), 0.71)
        if not radius > 0:
            raise UserError(f'BinaryDisc radius must be positive, got {radius}')
        self.radius = radius
        if visibility is not None and set(visibility) != {'peak', 'mass', 'bias'}:
            raise UserError(
                'BinaryDisc visibility needs peak, mass and bias, got '
                f'{sorted(visibility)}'
            )
        self.visibility_weights = visibility

    def draw(self, squared_dx: Tensor, squared_dy: Tensor) -> Tensor:
        """Draw discs; see :meth:`HeatmapCodec.draw`."""
        squared = squared_dy[..., :, None] + squared_dx[..., None, :]
        return (squared <= self.radius**2).float()

    def weigh(
        self, keypoints: Tensor, annotated: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Draw visible joints only; see :meth:`HeatmapCodec.weigh`.

        A joint outside the crop keeps its weight: it is not to be seen there,
        and the detector should say so.
        """
        return visible, annotated

    def decode_batch(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Find the disc that fits best: a matched filter, then a finer fit.

        The plain arg-max of a disc is any pixel of a plateau. The disc that
        fits in the least-squares sense, whatever its height, maximises
        ``sum(map inside) / sqrt(pixels inside)`` on a background of zero; only
        pixels of the picture count, so that a disc that the border cuts is found
        as well.

        Only the shape of a map counts, neither its scale nor its offset: logits
        decode as probabilities do. The background is taken to be the map's mean.
        It lies between the true background and the disc, and any such level has
        the single disc as its best fit; a level below the background would draw
        the fit from a cut disc to any whole one.

        Args:
            maps (Tensor): (B, K, H, W), finite: probabilities or logits.

        Returns:
            tuple[Tensor, Tensor]: Keypoints (B, K, 2) in input pixels, to an
            eighth of a heatmap pixel, finite, at the first pixel where a map is
            constant; scores (B, K): the map's value at the nearest pixel.
        """
        # What a double holds beyond the range of floats is brought back into it.
        limit = torch.finfo(torch.float32).max
        wide = maps.dtype == torch.float64
        maps = (maps.clamp(-limit, limit) if wide else maps).float()
        levels = _stretch(maps)
        background = levels.mean(dim=(2, 3), keepdim=True)
        reach = int(self.radius)
        grid = torch.arange(-reach, reach + 1, device=maps.device)
        disc = self._discs(grid, maps.new_zeros(1, 2))
        pixels = _correlate(torch.ones_like(maps[0, :1]), disc[0])
        sums = _correlate(levels.flatten(0, 1), disc[0]).view_as(maps)
        fit = sums.addcmul_(pixels, background, value=-1).div_(pixels.sqrt())
        columns, rows, _ = argmax_2d(fit)
        nearest = (rows * maps.shape[3] + columns)[..., None]
        scores = maps.flatten(2).gather(2, nearest)[..., 0]
        points = torch.stack((columns, rows), dim=-1)
        offset = self._offset(levels, background.flatten(2), points)
        return self.to_input(points + offset), scores

    def visibility(self, heatmaps: Tensor, keypoints: Tensor) -> Tensor:
        """Read how probable it is that keypoints are visible where they are said to be.

        The detector learns a disc around each visible keypoint, and nothing for a
        hidden one. Where its weights were fitted, a logistic function of both that
        :meth:`visibility_signs` reads; else the peak as it is, which ranks keypoints
        almost as well but is too low where the detector is not sure of the place.

        Args:
            heatmaps (Tensor): (B, K, H, W), the detector's probabilities.
            keypoints (Tensor): (B, K, 2) in input pixels, anywhere.

        Returns:
            Tensor: (B, K), from 0 to 1; NaN where the heatmap is.
        """
        peak, mass = self.visibility_signs(heatmaps, keypoints)
        if self.visibility_weights is None:
            # A confidence, unlike a probability, may leave the range.
            return peak.clamp(0, 1)
        return logistic(peak, mass, self.visibility_weights)

    def visibility_signs(
        self, heatmaps: Tensor, keypoints: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Read what tells whether keypoints are visible.

        Args:
            heatmaps (Tensor): (B, K, H, W), the detector's probabilities.
            keypoints (Tensor): (B, K, 2) in input pixels, anywhere; the nearest
                pixels count for one outside the heatmap.

        Returns:
            tuple[Tensor, Tensor]: Peak (B, K), the largest probability within the
            disc around the keypoint; mass (B, K), the sum over the whole heatmap in
            discs: the expected number of visible keypoints.
        """
        reach = int(self.radius)
        steps = torch.arange(-reach, reach + 1, device=heatmaps.device)
        offsets = torch.cartesian_prod(steps, steps)
        offsets = offsets[offsets.square().sum(-1) <= self.radius**2]
        height, width = heatmaps.shape[2:]
        # What is no number is nowhere; its heatmap says so by itself.
        points = torch.nan_to_num(self.to_heatmap(keypoints)).round()
        columns = (points[..., :1] + offsets[:, 0]).clamp(0, width - 1)
        rows = (points[..., 1:] + offsets[:, 1]).clamp(0, height - 1)
        index = (rows * width + columns).long()
        flat = heatmaps.float().flatten(2)
        peak = flat.gather(2, index).amax(dim=-1)
        return peak, flat.sum(dim=-1) / len(offsets)

    def _offset(self, levels: Tensor, background: Tensor, points: Tensor) -> Tensor:
        """Fit discs around whole pixels to an eighth of a pixel.

        Args:
            levels (Tensor): (B, K, H, W), from 0 to 1.
            background (Tensor): (B, K, 1), the level outside the disc.
            points (Tensor): (B, K, 2), columns and rows of the best whole pixels.

        Returns:
            Tensor: (B, K, 2), to be added to the points.
        """
        reach = int(self.radius) + 2
        grid = torch.arange(-reach, reach + 1, device=levels.device)
        steps = torch.arange(-8, 9, device=levels.device) / 8
        offsets = torch.cartesian_prod(steps, steps)  # (289, 2)
        discs = self._discs(grid, offsets).flatten(1)  # (289, P)
        height, width = levels.shape[2:]
        columns = (points[..., :1] + grid)[..., None, :]
        rows = (points[..., 1:] + grid)[..., :, None]
        inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
        index = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
        inside = inside.flatten(2).float()  # (B, K, P)
        patch = levels.flatten(2).gather(2, index.flatten(2)) * inside
        pixels = inside @ discs.T
        fit = (patch @ discs.T - background * pixels) / pixels.clamp(min=1).sqrt()
        fit = fit.masked_fill(pixels == 0, -torch.inf)
        # Neighbouring discs often cover the same pixels: take their middle.
        most = fit.amax(dim=-1, keepdim=True)
        best = (fit >= most - 1e-5 * most.abs())[..., None]
        low = offsets.where(best, torch.inf).amin(dim=-2)
        high = offsets.where(best, -torch.inf).amax(dim=-2)
        return (low + high) / 2

    def _discs(self, grid: Tensor, offsets: Tensor) -> Tensor:
        """Draw discs (M, k, k) on a grid (k,) about offsets (M, 2) in pixels."""
        return self.draw(
            (grid - offsets[:, :1]).square(), (grid - offsets[:, 1:]).square()
        )


def peak_logit(peak: Tensor) -> Tensor:
    """Logit of a peak, bounded: a probability of 0 or 1 is a rounded one."""
    return peak.clamp(1e-4, 1 - 1e-4).logit()


def logistic(peak: Tensor, mass: Tensor, weights: dict) -> Tensor:
    """Probability that keypoints are visible, by fitted weights.

    Args:
        peak (Tensor): (B, K), from :meth:`BinaryDisc.visibility_signs`.
        mass (Tensor): (B, K), likewise.
        weights (dict): The codec's ``visibility``.

    Returns:
        Tensor: (B, K), from 0 to 1.
    """
    bias = torch.as_tensor(weights['bias'], dtype=peak.dtype, device=peak.device)
    logits = weights['peak'] * peak_logit(peak) + weights['mass'] * mass + bias
    return logits.sigmoid()


def _stretch(maps: Tensor) -> Tensor:
    """Stretch each map (B, K, H, W) to 0 … 1; a constant map becomes 0."""
    low, high = (edge[..., None, None] / 2 for edge in maps.flatten(2).aminmax(dim=-1))
    # By halves: the difference of two floats may exceed the largest.
    span = (high - low).clamp(min=torch.finfo(maps.dtype).tiny)
    return torch.add(-low, maps, alpha=0.5).div_(span)


def _correlate(maps: Tensor, kernel: Tensor) -> Tensor:
    """Correlate (M, H, W) maps of 0 … 1 with one odd, point-symmetric (k, k) kernel.

    By FFT: at the paper's size a disc has 317 pixels, and the direct sum costs
    ten times as much.
    """
    reach = kernel.shape[0] // 2
    height, width = maps.shape[1:]
    # Multiples of 32 have small prime factors, the quick sizes of an FFT.
    size = [-(-(side + 2 * reach) // 32) * 32 for side in (height, width)]
    spectrum = torch.fft.rfft2(maps, size).mul_(torch.fft.rfft2(kernel * 4096, size))
    full = torch.fft.irfft2(spectrum, size)
    same = full[:, reach : reach + height, reach : reach + width]
    # FFT noise would break ties between equal sums at random; sums of a disc
    # are integers on label maps, so rounding restores the ties.
    return same.round_() / 4096
