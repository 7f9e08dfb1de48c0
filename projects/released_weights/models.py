"""A Torch7 network as an MMPose model: it is the backbone, the head only decodes."""

from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmengine.structures import InstanceData
from mmpose.models.heads.base_head import BaseHead
from mmpose.models.utils.tta import flip_heatmaps
from mmpose.registry import KEYPOINT_CODECS, MODELS
from torch import Tensor

from phr_mmpose.utils.errors import UserError, first_line
from projects.released_weights.layers import build_network
from projects.released_weights.reader import load


@MODELS.register_module()
class Torch7Network(BaseModule):
    """The network of a ``.t7`` file, for inference.

    Args:
        file (str): The file.

    Raises:
        UserError: If it is no whole Torch7 file, or holds no network of modules that
            are known.
    """

    def __init__(self, file: str) -> None:
        super().__init__()
        self.network = build_network(load(file), str(file))

    def train(self, mode: bool = True) -> 'Torch7Network':
        """Stay in evaluation mode.

        Args:
            mode (bool): Ignored.
        """
        return super().train(False)

    def forward(self, images: Tensor) -> tuple[Tensor]:
        """Return what the network makes of images (B, C, H, W).

        Raises:
            UserError: If it does not run on them, or makes no maps.
        """
        try:
            result: Any = self.network(images)
        # A network that takes something else raises whatever its layers raise.
        except (
            RuntimeError,
            TypeError,
            ValueError,
            LookupError,
            AttributeError,
        ) as error:
            raise UserError(
                f'the Torch7 network does not run on images of '
                f'{tuple(images.shape[1:])}: {first_line(error)}'
            ) from error
        while isinstance(result, list) and result:
            # Of networks with supervision between their stages the last counts.
            result = result[-1]
        if not isinstance(result, Tensor) or result.ndim != 4:
            raise UserError('the Torch7 network puts out no heatmaps')
        return (result,)


@MODELS.register_module()
class ConfidenceHead(BaseHead):
    """Decodes heatmaps as they come.

    Letters: B samples, K keypoints, H x W the codec's heatmap grid.

    Args:
        out_channels (int): Keypoints K.
        decoder (dict): The codec's config.
    """

    def __init__(self, out_channels: int, decoder: dict) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.decoder = KEYPOINT_CODECS.build(decoder)

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the last of the feature maps as heatmaps (B, K, H, W).

        Raises:
            UserError: If they are not K.
        """
        maps = feats[-1]
        if maps.shape[1] != self.out_channels:
            raise UserError(
                f'the network puts out {maps.shape[1]} heatmaps, not those of '
                f'{self.out_channels} keypoints; set model.head.out_channels'
            )
        width, height = self.decoder.heatmap_size
        if maps.shape[2:] == (height, width):
            return maps
        return F.interpolate(
            maps, size=(height, width), mode='bilinear', align_corners=False
        )

    def predict(
        self, feats: Any, batch_data_samples: list, test_cfg: dict | None = None
    ) -> list[InstanceData]:
        """Predict keypoints.

        Args:
            feats: Feature maps; with ``flip_test`` a list of two, of the images and of
                the mirrored ones.
            batch_data_samples (list[PoseDataSample]): The samples.
            test_cfg (dict, optional): ``flip_test``.

        Returns:
            list[InstanceData]: ``keypoints`` (1, K, 2) in input pixels and
            ``keypoint_scores`` (1, K), of each sample.
        """
        if (test_cfg or {}).get('flip_test', False):
            plain, mirrored = map(self.forward, feats)
            indices = batch_data_samples[0].metainfo['flip_indices']
            mirrored = flip_heatmaps(
                mirrored, flip_indices=indices, shift_heatmap=False
            )
            maps = (plain + mirrored) / 2
        else:
            maps = self.forward(feats)
        return self.decode(maps)

    def loss(
        self, feats: tuple, batch_data_samples: list, train_cfg: dict | None = None
    ) -> dict[str, torch.Tensor]:
        """Refuse to train.

        Raises:
            UserError: Always.
        """
        raise UserError(
            'a Torch7 network is for inference; train the cascade that its weights are '
            'converted to'
        )
