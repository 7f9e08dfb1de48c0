"""What the binary disc and the Gaussian confidence map have in common."""

import copy
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from mmpose.codecs.base import BaseKeypointCodec
from torch import Tensor

from phr_mmpose.utils.errors import UserError


class HeatmapCodec(BaseKeypointCodec):
    """Base of codecs that draw one map per keypoint, on any device, in one call.

    Letters: B samples, K keypoints, H x W the heatmap grid, N instances (1 here:
    the cascade is top-down). A keypoint at input pixel ``x`` lies at heatmap
    pixel ``x / scale_factor`` (pixel centres at integers, MMPose's convention
    without UDP); it is not rounded.

    Args:
        input_size (tuple[int, int]): Input image size in pixels, (w, h).
        heatmap_size (tuple[int, int]): Heatmap size in pixels, (w, h).

    Raises:
        UserError: If a size is no pair of positive whole numbers, or the heatmap
            size does not divide the input size by one common integer.
    """

    label_mapping_table = dict(keypoint_weights='keypoint_weights')
    field_mapping_table = dict(heatmaps='heatmaps')
    auxiliary_encode_keys = {'keypoints_visible_weights'}
    support_batch_decoding = True
    #: Whether the targets of hidden joints differ from those of visible ones.
    needs_visibility = False

    def __init__(self, input_size: tuple[int, int], heatmap_size: tuple[int, int]):
        super().__init__()
        self.stride = check_sizes(input_size, heatmap_size)
        self.input_size = tuple(input_size)
        self.heatmap_size = tuple(heatmap_size)
        self.scale_factor = np.full(2, self.stride, dtype=np.float32)
        self._shift = 0.0

    def relative(self, pixels: float) -> float:
        """Scale a length of the paper's 256 px grid to the heatmap grid.

        Args:
            pixels (float): Length in pixels of a grid 256 px high, on which an
                upright body is 200 px tall (paper, section 3).

        Returns:
            float: The same length in heatmap pixels.
        """
        return pixels * self.heatmap_size[1] / 256

    def coarser(self, factor: int) -> 'HeatmapCodec':
        """Copy the codec for a coarser grid.

        Args:
            factor (int): How many of this codec's pixels make one there along each
                axis; divides ``heatmap_size``.

        Returns:
            HeatmapCodec: Its radius or sigma is as many pixels of its own grid. Pixel
            ``i`` there lies in the middle of the pixels of this grid that it covers,
            ``factor * i`` to ``factor * i + factor - 1``, as pooling and bilinear
            enlargement have it.
        """
        codec = copy.copy(self)
        codec._shift = (self._shift + (factor - 1) / 2) / factor
        codec.stride = self.stride * factor
        codec.heatmap_size = tuple(side // factor for side in self.heatmap_size)
        codec.scale_factor = self.scale_factor * factor
        return codec

    def to_heatmap(self, points: Tensor) -> Tensor:
        """Move points (..., 2) from pixels of the input to those of the heatmap."""
        return points / self.stride - self._shift

    def to_input(self, points: Tensor) -> Tensor:
        """Move points (..., 2) from pixels of the heatmap to those of the input."""
        return (points + self._shift) * self.stride

    @abstractmethod
    def draw(self, squared_dx: Tensor, squared_dy: Tensor) -> Tensor:
        """Draw one map per keypoint from squared distances along the axes.

        Args:
            squared_dx (Tensor): (B, K, W), squared distance in heatmap pixels
                of each column from the keypoint.
            squared_dy (Tensor): (B, K, H), the same for each row.

        Returns:
            Tensor: Maps (B, K, H, W).
        """

    @abstractmethod
    def weigh(
        self, keypoints: Tensor, annotated: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Say which keypoints are drawn and how much each weighs in the loss.

        Args:
            keypoints (Tensor): (B, K, 2) in heatmap pixels.
            annotated (Tensor): (B, K) bool.
            visible (Tensor): (B, K) bool.

        Returns:
            tuple[Tensor, Tensor]: ``drawn`` (B, K) bool; ``weights`` (B, K)
            bool.
        """

    @abstractmethod
    def decode_batch(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Find each keypoint's position in its map, on the device of the maps.

        Args:
            maps (Tensor): (B, K, H, W).

        Returns:
            tuple[Tensor, Tensor]: Keypoints (B, K, 2) in input pixels; scores
            (B, K), the map's value there.
        """

    def encode_batch(
        self,
        keypoints: Tensor,
        keypoints_visible: Tensor | None = None,
        keypoints_visible_weights: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Draw the target maps of a batch on the device of the keypoints.

        The flags are those of MMPose's ``encode``.

        Args:
            keypoints (Tensor): (B, K, 2) in input pixels; the values of joints
                that are not annotated are never looked at.
            keypoints_visible (Tensor, optional): (B, K), non-zero where
                annotated, or (B, K, 2) with [annotated, visible]. Defaults to
                all annotated.
            keypoints_visible_weights (Tensor, optional): (B, K), non-zero
                where visible. Defaults to all annotated joints being visible.

        Returns:
            tuple[Tensor, Tensor]: Maps (B, K, H, W) float32; weights (B, K)
            float32.
        """
        if keypoints_visible is None:
            keypoints_visible = torch.ones_like(keypoints[..., 0])
        if keypoints_visible.ndim == 3:
            keypoints_visible, keypoints_visible_weights = keypoints_visible.unbind(-1)
        annotated = visible = keypoints_visible > 0
        if keypoints_visible_weights is not None:
            visible = annotated & (keypoints_visible_weights > 0)
        # NaN or -1 at joints without annotation must not reach the arithmetic.
        points = self.to_heatmap(
            keypoints.float().masked_fill(~annotated[..., None], 0)
        )
        drawn, weights = self.weigh(points, annotated, visible)
        width, height = self.heatmap_size
        columns = torch.arange(width, device=points.device, dtype=points.dtype)
        rows = torch.arange(height, device=points.device, dtype=points.dtype)
        # A joint that is not drawn is moved to infinity: its map comes out
        # zero without a second pass over B x K x H x W values.
        points = points.masked_fill(~drawn[..., None], float('inf'))
        maps = self.draw(
            (columns - points[..., 0:1]).square(), (rows - points[..., 1:2]).square()
        )
        return maps, weights.float()

    def encode(
        self,
        keypoints: np.ndarray,
        keypoints_visible: np.ndarray | None = None,
        keypoints_visible_weights: np.ndarray | None = None,
    ) -> dict:
        """Draw the maps of one person, by MMPose's contract.

        Args:
            keypoints (np.ndarray): (N, K, 2) in input pixels, N = 1.
            keypoints_visible (np.ndarray, optional): (N, K), or (N, K, 2)
                with [annotated, visible]. Defaults to all annotated.
            keypoints_visible_weights (np.ndarray, optional): (N, K), the
                visible flag as ``GenerateTarget`` splits it off. Defaults to
                all annotated joints being visible.

        Returns:
            dict: ``heatmaps`` (K, H, W) float32 and ``keypoint_weights``
            (N, K) float32.

        Raises:
            UserError: If N is not 1.
        """
        if keypoints.shape[0] != 1:
            raise UserError(
                f'{type(self).__name__} draws one person per map, got '
                f'{keypoints.shape[0]}; use a top-down pipeline'
            )
        maps, weights = self.encode_batch(
            *(
                None if values is None else torch.tensor(values, dtype=torch.float32)
                for values in (keypoints, keypoints_visible, keypoints_visible_weights)
            )
        )
        return dict(heatmaps=maps[0].numpy(), keypoint_weights=weights.numpy())

    def decode(self, encoded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Decode the maps of one person, by MMPose's contract.

        Args:
            encoded (np.ndarray): (K, H, W).

        Returns:
            tuple[np.ndarray, np.ndarray]: Keypoints (1, K, 2) in input pixels;
            scores (1, K).
        """
        maps = torch.from_numpy(np.ascontiguousarray(encoded))
        keypoints, scores = self.decode_batch(maps[None])
        return keypoints.numpy(), scores.numpy()

    def batch_decode(
        self, batch_encoded: Tensor
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Decode a batch for MMPose's heads.

        Args:
            batch_encoded (Tensor): (B, K, H, W).

        Returns:
            tuple[list[np.ndarray], list[np.ndarray]]: B arrays (1, K, 2) in
            input pixels; B arrays (1, K).
        """
        keypoints, scores = self.decode_batch(batch_encoded.detach())
        return (
            list(keypoints[:, None].cpu().numpy()),
            list(scores[:, None].cpu().numpy()),
        )


def check_sizes(input_size: tuple[int, int], heatmap_size: tuple[int, int]) -> int:
    """Return the heatmap's stride on the input grid.

    Args:
        input_size (tuple[int, int]): (w, h) in pixels.
        heatmap_size (tuple[int, int]): (w, h) in pixels.

    Raises:
        UserError: If one is no pair of positive whole numbers, or the two do
            not differ by one common integer factor.
    """
    for name, size in dict(input_size=input_size, heatmap_size=heatmap_size).items():
        if not (
            isinstance(size, Sequence)
            and len(size) == 2
            and all(isinstance(side, int) and side > 0 for side in size)
        ):
            raise UserError(f'{name} must be (width, height) in pixels, got {size!r}')
    (width, height), (map_width, map_height) = input_size, heatmap_size
    if (
        stride := width // map_width
    ) * map_width != width or stride * map_height != height:
        raise UserError(
            f'heatmap_size {heatmap_size} does not fit input_size {input_size}; '
            'it must be input_size divided by one integer'
        )
    return stride


def argmax_2d(maps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Find the largest value of each map.

    Args:
        maps (Tensor): (B, K, H, W).

    Returns:
        tuple[Tensor, Tensor, Tensor]: Columns, rows (B, K) int64 and values
        (B, K).
    """
    values, index = maps.flatten(2).max(dim=2)
    width = maps.shape[3]
    return index % width, index // width, values
