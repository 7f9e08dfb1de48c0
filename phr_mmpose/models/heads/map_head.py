"""What heads that decode maps have in common: prediction by MMPose's contract."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from mmengine.structures import InstanceData, PixelData
from mmpose.models.heads.base_head import BaseHead
from mmpose.models.utils.tta import flip_heatmaps
from torch import Tensor

from phr_mmpose.codecs.part_map_codec import PartMapCodec


@dataclass
class PredictedJoints:
    """Joints of B persons with K joints, on the device that found them.

    Args:
        keypoints (Tensor): (B, K, 2) in input pixels.
        scores (Tensor): (B, K).
        fields (list[PixelData], optional): The maps of each, if asked for.
    """

    keypoints: Tensor
    scores: Tensor
    fields: list[PixelData] | None = None


class MapHead(BaseHead):
    """Base of heads whose joints are decoded from maps.

    Letters: B samples, K joints, H x W the heatmap grid.
    """

    @abstractmethod
    def predict_maps(
        self, feats: Any, batch_data_samples: list, test_cfg: Mapping
    ) -> tuple[Tensor, PartMapCodec, dict[str, Tensor]]:
        """Compute the maps to decode, and those to put out on request.

        Args:
            feats: As for :meth:`predict`.
            batch_data_samples (list[PoseDataSample]): The samples.
            test_cfg (Mapping): As for :meth:`predict`.

        Returns:
            tuple[Tensor, PartMapCodec, dict[str, Tensor]]: Maps (B, K, H, W),
            their codec, and the fields by name, (B, K, H, W) each.
        """

    def predict_joints(
        self, feats: Any, batch_data_samples: list, test_cfg: Mapping | None = None
    ) -> PredictedJoints:
        """Predict joints and leave them on the device.

        Args:
            feats: As for :meth:`predict`.
            batch_data_samples (list[PoseDataSample]): The samples.
            test_cfg (Mapping, optional): As for :meth:`predict`.

        Returns:
            PredictedJoints: Of the B samples.
        """
        test_cfg = test_cfg or {}
        maps, codec, fields = self.predict_maps(feats, batch_data_samples, test_cfg)
        # Positions need more digits than a reduced precision of the network has.
        with torch.autocast(maps.device.type, enabled=False):
            joints = PredictedJoints(*codec.decode_batch(maps.detach().float()))
        if test_cfg.get('output_heatmaps', False):
            joints.fields = [
                PixelData(**dict(zip(fields, each, strict=True)))
                for each in zip(*fields.values(), strict=True)
            ]
        return joints

    def predict(
        self, feats: Any, batch_data_samples: list, test_cfg: Mapping | None = None
    ) -> list[InstanceData] | tuple[list[InstanceData], list[PixelData]]:
        """Predict joints, by MMPose's contract.

        Args:
            feats: Features of the images; with ``flip_test`` a list of two, the
                images' and the mirrored images', or one of the doubled batch:
                all images, then all mirrored ones.
            batch_data_samples (list[PoseDataSample]): The samples.
            test_cfg (Mapping, optional): ``flip_test``; ``output_heatmaps``; and
                what the head itself knows.

        Returns:
            list[InstanceData] | tuple: ``keypoints`` (1, K, 2) in input pixels
            and ``keypoint_scores`` (1, K) of each sample; with
            ``output_heatmaps`` also the fields, maps (K, H, W) each.
        """
        joints = self.predict_joints(feats, batch_data_samples, test_cfg)
        keypoints = joints.keypoints[:, None].cpu().numpy()
        scores = joints.scores[:, None].cpu().numpy()
        instances = [
            InstanceData(keypoints=points, keypoint_scores=score)
            for points, score in zip(keypoints, scores, strict=True)
        ]
        return instances if joints.fields is None else (instances, joints.fields)


def average_views(maps: Tensor, flip_indices: Sequence[int], offset: float) -> Tensor:
    """Average the maps of images and of their mirror images.

    Args:
        maps (Tensor): (2 B, K, H, W): those of all images, then those of all
            mirror images.
        flip_indices (Sequence[int]): Of each joint the one on the other side.
        offset (float): How far the mirror images' maps, mirrored back, are
            moved to the right, in columns of the map, from 0 to 1.

    Returns:
        Tensor: (B, K, H, W).
    """
    straight, mirrored = maps.chunk(2)
    return 0.5 * (straight + mirror_back(mirrored, flip_indices, offset))


def mirror_back(maps: Tensor, flip_indices: Sequence[int], offset: float) -> Tensor:
    """Mirror maps (B, K, H, W) back and move them right by part of a column.

    Args:
        maps (Tensor): Of mirror images.
        flip_indices (Sequence[int]): As for :func:`average_views`.
        offset (float): As for :func:`average_views`.

    Returns:
        Tensor: Of the images, of the same shape.
    """
    maps = flip_heatmaps(maps, flip_indices, shift_heatmap=False)
    if not offset:
        return maps
    moved = torch.cat((maps[..., :1], maps[..., :-1]), dim=-1)
    return maps.lerp(moved, offset)
