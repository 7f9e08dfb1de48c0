"""The head of a cascade whose heatmaps come from an ONNX file."""

from mmpose.registry import MODELS
from torch import Tensor

from phr_mmpose.models.heads.cascade_head import CascadeHead, Features
from phr_mmpose.utils.errors import UserError


@MODELS.register_module()
class OnnxHead(CascadeHead):
    """Predict keypoints from the heatmaps that :class:`OnnxHeatmaps` computes.

    See :class:`CascadeHead` for the arguments.
    """

    def forward(self, feats: Features) -> Features:
        """Return the heatmaps as they are.

        Args:
            feats (tuple[Tensor]): From :class:`OnnxHeatmaps`.
        """
        return feats

    def heatmaps(self, feats: Features, with_refiner: bool) -> dict[str, Tensor]:
        """Name the heatmaps by subnetwork.

        Args:
            feats (tuple[Tensor]): From :class:`OnnxHeatmaps`.
            with_refiner (bool): Not used: all are computed already.

        Returns:
            dict[str, Tensor]: (B, K, H, W) float32 each.
        """
        return dict(zip(self.subnetworks, feats, strict=True))

    def loss(self, feats: Features, batch_data_samples: list, train_cfg=None) -> dict:
        """Refuse to train.

        Raises:
            UserError: Always.
        """
        raise UserError(
            "an ONNX file cannot be trained; train the cascade's own config and "
            'export it again'
        )
