"""From the heatmaps of both subnetworks to keypoints."""

from abc import abstractmethod
from collections.abc import Mapping

import numpy as np
import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.models.heads.base_head import BaseHead
from mmpose.models.utils.tta import flip_heatmaps
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from phr_mmpose.utils.errors import UserError

#: The paper's detection network and regression subnetwork.
DETECTOR, REFINER = 'detector', 'refiner'

Features = tuple[Tensor, ...]


class CascadeHead(BaseHead):
    """Base of heads that predict keypoints from a cascade's heatmaps.

    Letters: B samples, K keypoints, H x W the heatmap grid.

    Args:
        input_size (tuple[int, int]): Input image size in pixels, (w, h).
        heatmap_size (tuple[int, int], optional): Size of all heatmaps in pixels,
            (w, h). Defaults to ``input_size``, as in the paper.
        detector_codec (dict, optional): Codec of the detector's heatmaps, without
            sizes. Defaults to ``BinaryDisc``.
        refiner_codec (dict, optional): Codec of the refiner's heatmaps, without
            sizes. Defaults to ``GaussianConfidence``.
        out_channels (int): Keypoints K. Defaults to 16.
        alone (bool): There is no refiner. Defaults to False.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        UserError: If the detector's codec was fitted to other keypoints.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int] | None = None,
        detector_codec: dict | None = None,
        refiner_codec: dict | None = None,
        out_channels: int = 16,
        alone: bool = False,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        self.out_channels = out_channels
        self.subnetworks = (DETECTOR,) if alone else (DETECTOR, REFINER)
        sizes = dict(input_size=input_size, heatmap_size=heatmap_size or input_size)
        codecs = {
            DETECTOR: detector_codec or dict(type='BinaryDisc'),
            REFINER: refiner_codec or dict(type='GaussianConfidence'),
        }
        self.codecs = {
            name: KEYPOINT_CODECS.build({**sizes, **codecs[name]})
            for name in self.subnetworks
        }
        self.detector_codec = self.codecs[DETECTOR]
        self.refiner_codec = self.codecs.get(REFINER)
        fitted = getattr(self.detector_codec, 'visibility_weights', None) or {}
        count = len(np.atleast_1d(fitted.get('bias', 0)))
        if count not in (1, out_channels):
            raise UserError(
                f'detector_codec.visibility has biases of {count} keypoints, the head '
                f'{out_channels}; fit it with tools/fit_visibility.py, or set it None'
            )

    @abstractmethod
    def heatmaps(self, feats: Features, with_refiner: bool) -> dict[str, Tensor]:
        """Compute the heatmaps of the subnetworks.

        Args:
            feats (tuple[Tensor]): What the estimator's backbone and neck gave.
            with_refiner (bool): Whether the refiner's are wanted.

        Returns:
            dict[str, Tensor]: By subnetwork, (B, K, H, W) float32 each.
        """

    def predict(
        self,
        feats: Features | list[Features],
        batch_data_samples: list,
        test_cfg: Mapping | None = None,
    ) -> list[InstanceData] | tuple[list[InstanceData], list[PixelData]]:
        """Predict keypoints, by MMPose's contract.

        Args:
            feats (tuple[Tensor] | list[tuple[Tensor]]): Features of the images;
                with ``flip_test`` also those of the mirrored images, a list of two.
            batch_data_samples (list[PoseDataSample]): The B samples.
            test_cfg (Mapping, optional): ``flip_test``; ``shift_heatmap`` (True by
                default: align the mirrored heatmaps, which at full resolution align
                by themselves); ``output``, whose heatmaps are decoded, ``'refiner'``
                (the default where there is one) or ``'detector'``;
                ``output_heatmaps``.

        Returns:
            list[InstanceData] | tuple: Of each sample ``keypoints`` (1, K, 2) in
            input pixels, ``keypoint_scores`` (1, K), the confidence of ``output``,
            and ``keypoints_visible`` (1, K), the detector's probability that the
            keypoint is visible; a detector that was not trained to tell repeats
            the scores. With ``output_heatmaps`` also the fields ``heatmaps`` (the
            last subnetwork's) and ``detector_heatmaps``, (K, H, W) each.

        Raises:
            UserError: If ``output`` is of another name.
        """
        test_cfg = test_cfg or {}
        last = self.subnetworks[-1]
        output = test_cfg.get('output', last)
        if output not in self.subnetworks:
            raise UserError(
                f'test_cfg.output must be one of {self.subnetworks}, got {output!r}'
            )
        with_fields = test_cfg.get('output_heatmaps', False)
        with_refiner = REFINER in (output, last if with_fields else None)
        if test_cfg.get('flip_test', False):
            straight, mirrored = (self.heatmaps(view, with_refiner) for view in feats)
            indices = batch_data_samples[0].metainfo['flip_indices']
            shift = self._mirror_shift() if test_cfg.get('shift_heatmap', True) else 0
            heatmaps = {
                name: (straight[name] + mirror_back(mirrored[name], indices, shift)) / 2
                for name in straight
            }
        else:
            heatmaps = self.heatmaps(feats, with_refiner)
        # Positions need more digits than a reduced precision of the network has.
        with torch.autocast(heatmaps[output].device.type, enabled=False):
            keypoints, scores = self.codecs[output].decode_batch(heatmaps[output])
            visible = scores
            if getattr(self.detector_codec, 'needs_visibility', False):
                visible = self.detector_codec.visibility(heatmaps[DETECTOR], keypoints)
        # One transfer, so that the host waits for the device once.
        found = torch.cat((keypoints, scores[..., None], visible[..., None]), dim=-1)
        instances = [
            InstanceData(
                keypoints=each[None, :, :2],
                keypoint_scores=each[None, :, 2],
                keypoints_visible=each[None, :, 3],
            )
            for each in found.detach().cpu().numpy()
        ]
        if not with_fields:
            return instances
        pairs = zip(heatmaps[last], heatmaps[DETECTOR], strict=True)
        return instances, [
            PixelData(heatmaps=maps, detector_heatmaps=first) for maps, first in pairs
        ]

    def _mirror_shift(self) -> float:
        """How far mirrored heatmaps lie off, in columns.

        Input column x is heatmap column x / s. Its mirror image, W - 1 - x, lies
        (s - 1) / s columns off the mirrored x / s.
        """
        return 1 - 1 / self.detector_codec.stride


def mirror_back(heatmaps: Tensor, flip_indices: list[int], shift: float) -> Tensor:
    """Mirror heatmaps (B, K, H, W) back and move them right by part of a column.

    Args:
        heatmaps (Tensor): Of mirror images.
        flip_indices (list[int]): Of each keypoint the one on the other side.
        shift (float): How far to the right, in columns, from 0 to 1.

    Returns:
        Tensor: Of the images, of the same shape.
    """
    heatmaps = flip_heatmaps(heatmaps, flip_indices, shift_heatmap=False)
    if not shift:
        return heatmaps
    moved = torch.cat((heatmaps[..., :1], heatmaps[..., :-1]), dim=-1)
    return heatmaps.lerp(moved, shift)
