"""The estimator of the authors' weights, as a cascade or as they are."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.codecs.part_map_codec import PartMapCodec
from phr_mmpose.models.heads.map_head import MapHead, average_views
from phr_mmpose.models.pose_estimators import CascadePoseEstimator
from phr_mmpose.models.torch7.graph import DESCRIPTION, Torch7Graph
from phr_mmpose.utils.errors import UserError

_PREFIX = 'graph.'


@MODELS.register_module()
class ReleasedPoseEstimator(CascadePoseEstimator):
    """A cascade that becomes another network with a checkpoint that holds one.

    ``tools/convert_torch7.py`` writes the weights of a Torch7 file under the
    cascade's names where it is that cascade, and else the network itself, as a
    :class:`Torch7Graph`. Both load here. After the second there is neither
    backbone nor detector, but ``graph``, for inference only.

    Args:
        **kwargs: As for :class:`CascadePoseEstimator`.
    """

    @property
    def is_converted(self) -> bool:
        """bool: Whether it has become another network, ``graph``."""
        return 'graph' in self._modules

    def adopt(self, state_dict: Mapping[str, Tensor]) -> None:
        """Become the network that a state dict holds, if it does.

        Args:
            state_dict (Mapping[str, Tensor]): Of a checkpoint.

        Raises:
            UserError: If the network is faulty.
        """
        if f'{_PREFIX}{DESCRIPTION}' not in state_dict:
            return
        device = self.data_preprocessor.device
        self.graph = Torch7Graph(
            {
                key.removeprefix(_PREFIX): value
                for key, value in state_dict.items()
                if key.startswith(_PREFIX)
            }
        ).to(device)
        self.backbone = nn.Identity()
        if self.with_neck:
            self.neck = nn.Identity()
        if not isinstance(self.head, ConvertedHead):
            self.head = ConvertedHead(self.head.decoder, self.head.out_channels)
        self.train(self.training)

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Tensor], prefix: str, *args: Any
    ) -> None:
        self.adopt(
            {
                key.removeprefix(prefix): value
                for key, value in state_dict.items()
                if key.startswith(prefix)
            }
        )
        super()._load_from_state_dict(state_dict, prefix, *args)

    def parts(self) -> dict[str, list[nn.Module]]:
        """Return the modules of each part; a converted network has none."""
        return {} if self.is_converted else super().parts()

    def train(self, mode: bool = True) -> 'ReleasedPoseEstimator':
        """Switch to training mode, a converted network excepted.

        Args:
            mode (bool): Training (True) or evaluation. Defaults to True.
        """
        super().train(mode)
        if self.is_converted:
            self.graph.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> tuple:
        """Extract features; of a converted network what it puts out.

        Args:
            inputs (Tensor): Images (B, C, H, W).
        """
        if not self.is_converted:
            return super().extract_feat(inputs)
        try:
            return (self.graph(inputs),)
        # torch's own words for maps that do not fit say where least of all.
        except (RuntimeError, TypeError, IndexError, AttributeError) as error:
            lines = str(error).splitlines() or ['no reason given']
            raise UserError(
                f'the converted network does not run on images of '
                f'{tuple(inputs.shape[1:])}: {lines[0]}'
            ) from error


class ConvertedHead(MapHead):
    """Decodes the maps that a converted network puts out.

    Letters: B samples, K joints, H x W the decoder's heatmap grid.

    Args:
        decoder (PartMapCodec): Decodes the maps.
        out_channels (int): Joints K.
    """

    def __init__(self, decoder: PartMapCodec, out_channels: int) -> None:
        super().__init__()
        self.decoder = decoder
        self.out_channels = out_channels

    def forward(self, feats: tuple) -> Tensor:
        """Return the maps (B, K, H, W) in float32.

        Args:
            feats (tuple): What the network put out; of a table the last.

        Raises:
            UserError: If it is no K maps.
        """
        (maps,) = feats
        while isinstance(maps, (list, tuple)):
            # Of networks with supervision between their stages the last counts.
            maps = maps[-1]
        if maps.ndim != 4 or maps.shape[1] != self.out_channels:
            raise UserError(
                f'the converted network puts out {" x ".join(map(str, maps.shape))}, '
                f'not maps of {self.out_channels} joints; set model.head.out_channels'
            )
        width, height = self.decoder.heatmap_size
        maps = maps.float()
        if maps.shape[2:] == (height, width):
            return maps
        return F.interpolate(
            maps, size=(height, width), mode='bilinear', align_corners=False
        )

    def predict_maps(
        self, feats: Any, batch_data_samples: list, test_cfg: Mapping
    ) -> tuple[Tensor, PartMapCodec, dict[str, Tensor]]:
        """Return the maps to decode; see :meth:`MapHead.predict_maps`.

        Args:
            feats: What the network put out; with ``flip_test`` for all images
                and then all mirrored ones, or a list of two.
            batch_data_samples (list[PoseDataSample]): The samples.
            test_cfg (Mapping): ``flip_test``.

        Raises:
            UserError: If the detector's maps are asked for.
        """
        if test_cfg.get('output', 'refiner') != 'refiner':
            raise UserError(
                'this checkpoint holds a converted network, whose detector has no '
                'name here; leave --detector out'
            )
        if isinstance(feats, list):
            maps = torch.cat([self.forward(each) for each in feats])
        else:
            maps = self.forward(feats)
        if test_cfg.get('flip_test', False):
            indices = batch_data_samples[0].metainfo['flip_indices']
            maps = average_views(maps, indices, 0.0)
        return maps, self.decoder, dict(heatmaps=maps)

    def loss(
        self, feats: tuple, batch_data_samples: list, train_cfg: dict | None = None
    ) -> dict[str, torch.Tensor]:
        """Refuse to train.

        Raises:
            UserError: Always.
        """
        raise UserError(
            'this checkpoint holds a converted network, which is for inference; only '
            'weights that match the cascade train'
        )
