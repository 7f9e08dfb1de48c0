"""The head of a cascade whose maps come from an ONNX file."""

from mmpose.registry import MODELS
from torch import Tensor

from phr_mmpose.models.heads.cascade_maps_head import CascadeMapsHead, build_codecs
from phr_mmpose.models.parts import DETECTOR, PARTS
from phr_mmpose.utils.errors import UserError


@MODELS.register_module()
class OnnxMapsHead(CascadeMapsHead):
    """Decode maps that :class:`OnnxMaps` computes.

    Args:
        input_size (tuple[int, int]): As for ``CascadeHeatmapRegressionHead``.
        heatmap_size (tuple[int, int], optional): Likewise.
        detector_codec (dict, optional): Likewise.
        decoder (dict, optional): Likewise.
        out_channels (int): Likewise. Defaults to 16.
        alone (bool): There is no regressor. Defaults to False.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int] | None = None,
        detector_codec: dict | None = None,
        decoder: dict | None = None,
        out_channels: int = 16,
        alone: bool = False,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.alone = alone
        self.detector_codec, self.decoder = build_codecs(
            input_size, heatmap_size, detector_codec, decoder, alone
        )

    @property
    def parts(self) -> tuple[str, ...]:
        """tuple[str]: The names of the parts that there are."""
        return (DETECTOR,) if self.alone else PARTS

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return the maps as they are.

        Args:
            feats (tuple[Tensor]): From :class:`OnnxMaps`.
        """
        return feats

    def part_maps(
        self, feats: tuple[Tensor, ...], with_refiner: bool
    ) -> dict[str, Tensor]:
        """Name the maps by part.

        Args:
            feats (tuple[Tensor]): From :class:`OnnxMaps`.
            with_refiner (bool): Not used: all are computed already.

        Returns:
            dict[str, Tensor]: (B, K, H, W) float32 each.
        """
        return dict(zip(self.parts, feats, strict=True))

    def loss(
        self, feats: tuple[Tensor, ...], batch_data_samples: list, train_cfg=None
    ) -> dict:
        """Refuse to train.

        Raises:
            UserError: Always.
        """
        raise UserError(
            "an ONNX file cannot be trained; train the cascade's own config and "
            'export it again'
        )
