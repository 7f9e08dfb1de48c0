"""From both parts' maps to those that are decoded, wherever they are computed."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from phr_mmpose.codecs.part_map_codec import PartMapCodec
from phr_mmpose.models.heads.map_head import MapHead, average_views
from phr_mmpose.models.parts import DETECTOR, REFINER
from phr_mmpose.utils.errors import UserError


def build_codecs(
    input_size: tuple[int, int],
    heatmap_size: tuple[int, int] | None,
    detector_codec: dict | None,
    decoder: dict | None,
    alone: bool,
) -> tuple[PartMapCodec, PartMapCodec]:
    """Build the codecs of a cascade's head.

    Args:
        input_size (tuple[int, int]): Input image size in pixels, (w, h).
        heatmap_size (tuple[int, int] | None): Size of all maps in pixels,
            (w, h); None: as the input.
        detector_codec (dict | None): Of the part label maps, without sizes;
            None: ``BinaryDisc``.
        decoder (dict | None): Of the confidence maps, without sizes; None:
            ``GaussianConfidence``.
        alone (bool): There is no regressor: the detector's maps are decoded.

    Returns:
        tuple[PartMapCodec, PartMapCodec]: The detector's, then the decoder.
    """
    sizes = dict(input_size=input_size, heatmap_size=heatmap_size or input_size)
    first = KEYPOINT_CODECS.build(
        {**sizes, **(detector_codec or dict(type='BinaryDisc'))}
    )
    if alone:
        return first, first
    return first, KEYPOINT_CODECS.build(
        {**sizes, **(decoder or dict(type='GaussianConfidence'))}
    )


class CascadeMapsHead(MapHead):
    """Base of heads that decode the maps of a cascade.

    Those that build on it have ``parts``, the names of the cascade's parts, and
    ``detector_codec`` and ``decoder``, the codecs of the detector's and of the last
    part's maps.

    Letters: B samples, K parts, H x W the heatmap grid.
    """

    @property
    @abstractmethod
    def parts(self) -> tuple[str, ...]:
        """tuple[str]: The names of the parts that there are."""

    @abstractmethod
    def part_maps(
        self, feats: tuple[Tensor, ...], with_refiner: bool
    ) -> dict[str, Tensor]:
        """Give the maps of the parts.

        Args:
            feats (tuple[Tensor]): What the estimator's backbone and neck gave.
            with_refiner (bool): Whether the refiner's maps are wanted.

        Returns:
            dict[str, Tensor]: By part, (B, K, H, W) float32 each.
        """

    def predict_maps(
        self,
        feats: tuple[Tensor, ...] | list[tuple[Tensor, ...]],
        batch_data_samples: list,
        test_cfg: Mapping,
    ) -> tuple[Tensor, PartMapCodec, dict[str, Tensor]]:
        """Compute the maps of the cascade's last part or, on request, the detector.

        Args:
            feats (tuple[Tensor] | list[tuple[Tensor]]): As for
                :meth:`part_maps`; with ``flip_test`` of the doubled batch, all
                images and then all mirrored ones, or a list of two.
            batch_data_samples (list[PoseDataSample]): The samples.
            test_cfg (Mapping): ``flip_test``; ``shift_heatmap``
                (default True: align the mirrored maps; at full resolution
                they align by themselves);
                ``output``, ``'refiner'`` (the default where there is one) or
                ``'detector'``; ``output_heatmaps``.

        Returns:
            tuple[Tensor, PartMapCodec, dict[str, Tensor]]: The maps, their
            codec and the fields ``heatmaps`` (the last part's) and
            ``detector_heatmaps`` (probabilities, or the confidence that it
            regresses), all (B, K, H, W).

        Raises:
            UserError: If ``output`` is of another name.
        """
        last = self.parts[-1]
        output = test_cfg.get('output', last)
        if output not in self.parts:
            raise UserError(
                f'test_cfg.output must be one of {self.parts}, got {output!r}'
            )
        with_fields = test_cfg.get('output_heatmaps', False)
        with_refiner = REFINER in self.parts and (with_fields or output == REFINER)
        if isinstance(feats, list):
            views = [self.part_maps(each, with_refiner) for each in feats]
            maps = {
                name: torch.cat([view[name] for view in views]) for name in views[0]
            }
        else:
            maps = self.part_maps(feats, with_refiner)
        if test_cfg.get('flip_test', False):
            indices = batch_data_samples[0].metainfo['flip_indices']
            shift = test_cfg.get('shift_heatmap', True)
            # Input column x is heatmap column x / s. Its mirror image, W - 1 - x,
            # lies (s - 1) / s columns off the mirrored x / s.
            offset = 1 - 1 / self.decoder.stride if shift else 0.0
            maps = {
                name: average_views(value, indices, offset)
                for name, value in maps.items()
            }
        codec = self.decoder if output == REFINER else self.detector_codec
        fields = (
            dict(heatmaps=maps[last], detector_heatmaps=maps[DETECTOR])
            if with_fields
            else {}
        )
        return maps[output], codec, fields
