"""The cascade: part detection, stacking, regression (paper, Fig. 1)."""

import numpy as np
import torch
import torch.nn.functional as F
from mmpose.registry import MODELS
from torch import Tensor

from phr_mmpose.models.heads.cascade_maps_head import CascadeMapsHead, build_codecs
from phr_mmpose.models.heads.unknown_visibility import UnknownVisibility
from phr_mmpose.models.parts import DETECTOR, PARTS, REFINER
from phr_mmpose.utils.errors import UserError

_STACKS = ('sigmoid', 'logits')


@MODELS.register_module(
    name=['CascadeHeatmapRegressionHead', 'CascadeHeatmapRegression']
)
class CascadeHeatmapRegressionHead(CascadeMapsHead):
    """Detect visible parts, stack their maps with the image, regress all joints.

    From `Human Pose Estimation via Convolutional Part Heatmap Regression
    <https://arxiv.org/abs/1609.01743>`_. Targets are drawn here, on the
    device of the maps: the loader ships keypoints, never maps.

    What the detector's output means follows from the loss that trains it: with
    ``SigmoidCrossEntropyLoss`` (paper) the sigmoid of it is a probability, with
    ``ConfidenceMSELoss`` it is itself a confidence map. The second, with
    ``GaussianConfidence`` for ``detector_codec``, makes the rows "regression
    only" and "regression + regression" of the paper's Table 5.

    Letters: B samples, K parts, H x W the heatmap grid, C x H_in x W_in the
    input image.

    Args:
        detector (dict): The detector head's config, a module called with the
            feature maps and the map size, that returns part scores.
        refiner (dict, optional): The regressor's config. ``in_channels``,
            ``out_channels`` and ``output_stride`` are filled in where absent.
            With None the detector stands alone: its maps, decoded by
            ``detector_codec``, are the prediction, and ``decoder``,
            ``loss_refiner``, ``stack`` and ``feature_index`` go unused.
        input_size (tuple[int, int]): Input image size in pixels, (w, h).
        heatmap_size (tuple[int, int], optional): Size of all maps in pixels,
            (w, h): ``input_size`` (the default, as in the paper) or a
            quarter of it.
        detector_codec (dict, optional): Codec of the part label maps, without
            sizes. Defaults to ``BinaryDisc``.
        decoder (dict, optional): Codec of the confidence maps, by MMPose's
            name for it, without sizes. Defaults to ``GaussianConfidence``.
        loss_detector (dict): Defaults to ``SigmoidCrossEntropyLoss``.
        loss_refiner (dict): Defaults to ``ConfidenceMSELoss``.
        out_channels (int): Parts K. Defaults to 16.
        stack (str): What of the detector is stacked, ``'sigmoid'`` (its
            confidence) or ``'logits'``, its output as it is. Defaults to
            ``'sigmoid'``.
        image_channels (int): Channels of the image. Defaults to 3.
        feature_index (int, optional): Stack this feature map of the backbone
            in place of the image (the paper's section 3 allows either). Part
            maps are then resized to its grid and the refiner's output, by
            default at that grid, to the heatmap's. Defaults to None: the image.
        feature_channels (int, optional): Its channels.
        init_cfg (dict, optional): Initialisation config.

    Raises:
        UserError: If sizes, channels or names do not fit each other.
    """

    def __init__(
        self,
        detector: dict,
        refiner: dict | None,
        input_size: tuple[int, int],
        heatmap_size: tuple[int, int] | None = None,
        detector_codec: dict | None = None,
        decoder: dict | None = None,
        loss_detector: dict | None = None,
        loss_refiner: dict | None = None,
        out_channels: int = 16,
        stack: str = 'sigmoid',
        image_channels: int = 3,
        feature_index: int | None = None,
        feature_channels: int | None = None,
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg=init_cfg)
        if stack not in _STACKS:
            raise UserError(f'stack must be one of {_STACKS}, got {stack!r}')
        if (feature_index is None) != (feature_channels is None):
            raise UserError('feature_index and feature_channels go together')
        self.out_channels = out_channels
        self.stack = stack
        self.image_channels = image_channels
        self.feature_index = feature_index
        self.detector_codec, self.decoder = build_codecs(
            input_size,
            heatmap_size,
            detector_codec,
            decoder,
            alone=refiner is None,
        )
        self._unknown_visibility = UnknownVisibility()
        self.detector = MODELS.build({'out_channels': out_channels, **detector})
        self.loss_detector = MODELS.build(
            loss_detector or dict(type='SigmoidCrossEntropyLoss')
        )
        # A loss from elsewhere that does not say is taken for the usual kind.
        self.takes_logits = getattr(self.loss_detector, 'takes_logits', True)
        self.refiner = self.loss_refiner = None
        if refiner is not None:
            stacked = out_channels + (
                image_channels if feature_index is None else feature_channels
            )
            self.refiner = MODELS.build(
                {
                    'in_channels': stacked,
                    'out_channels': out_channels,
                    'output_stride': (
                        self.decoder.stride if feature_index is None else 1
                    ),
                    **refiner,
                }
            )
            self.loss_refiner = MODELS.build(
                loss_refiner or dict(type='ConfidenceMSELoss')
            )
            self._check_refiner(stacked)
        self._check_parts(DETECTOR)

    @property
    def parts(self) -> tuple[str, ...]:
        """tuple[str]: The names of the parts that there are."""
        return PARTS if self.refiner is not None else (DETECTOR,)

    def _check_parts(self, name: str) -> None:
        """Refuse a part that gives another number of maps than there are parts."""
        parts = getattr(getattr(self, name), 'out_channels', self.out_channels)
        if parts != self.out_channels:
            raise UserError(
                f"{name} out_channels {parts} differs from the head's "
                f'{self.out_channels}; leave it out to have it filled in'
            )

    def _check_refiner(self, stacked: int) -> None:
        """Refuse a config whose parts would only fail to fit in the forward pass."""
        first, second = self.detector_codec, self.decoder
        for name in ('input_size', 'heatmap_size'):
            if getattr(first, name) != getattr(second, name):
                raise UserError(
                    f'detector_codec and decoder differ in {name}: '
                    f'{getattr(first, name)} and {getattr(second, name)}; '
                    'give both the same'
                )
        if self.stack == 'sigmoid' and not self.takes_logits:
            raise UserError(
                f"stack='sigmoid' would squash the maps that "
                f"{type(self.loss_detector).__name__} trains; set stack='logits'"
            )
        self._check_parts(REFINER)
        channels = getattr(self.refiner, 'in_channels', stacked)
        if channels != stacked:
            raise UserError(
                f'refiner in_channels {channels} does not fit the {stacked} '
                'stacked channels; leave it out to have it filled in'
            )
        if self.feature_index is not None:
            return
        divisor = getattr(self.refiner, 'input_divisor', 1)
        if any(side % divisor for side in second.input_size):
            raise UserError(
                f'input_size {second.input_size} is not divisible by {divisor}, as '
                f'{type(self.refiner).__name__} needs; change it or the depth'
            )
        stride = getattr(self.refiner, 'output_stride', second.stride)
        if stride != second.stride:
            raise UserError(
                f'heatmap_size {second.heatmap_size} has stride {second.stride}, the '
                f'refiner puts out stride {stride}; set its output_stride to '
                f'{second.stride}'
            )

    def detect(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Run the detector.

        Args:
            feats (tuple[Tensor]): Feature maps of the backbone, then the
                image (B, C, H_in, W_in).

        Returns:
            Tensor: Part scores (B, K, H, W), as ``loss_detector`` takes them.

        Raises:
            UserError: If there are no images, or not of ``input_size``.
        """
        images = feats[-1]
        if tuple(images.shape[:1:-1]) != self.decoder.input_size:
            if images.shape[1] != self.image_channels:
                raise UserError(
                    f'{type(self).__name__} needs the images beside the feature '
                    "maps: set model.type to 'CascadePoseEstimator'"
                )
            raise UserError(
                f'images of {tuple(images.shape[:1:-1])} px (width, height) reach a '
                f'head with input_size {self.decoder.input_size}; give TopdownAffine '
                'and the head the same input_size'
            )
        width, height = self.decoder.heatmap_size
        return self.detector(feats[:-1], (height, width))

    def estimate(self, logits: Tensor) -> Tensor:
        """Turn the detector's output into its maps.

        Args:
            logits (Tensor): Part scores (B, K, H, W) from :meth:`detect`.

        Returns:
            Tensor: Probabilities or confidence, by ``loss_detector``, of the
            same shape.
        """
        return logits.sigmoid() if self.takes_logits else logits

    def regress(self, logits: Tensor, feats: tuple[Tensor, ...]) -> Tensor:
        """Stack the detector's maps with the image and run the refiner.

        Args:
            logits (Tensor): Part logits (B, K, H, W).
            feats (tuple[Tensor]): As for :meth:`detect`.

        Returns:
            Tensor: Confidence maps (B, K, H, W).
        """
        context = feats[-1] if self.feature_index is None else feats[self.feature_index]
        maps = logits.sigmoid() if self.stack == 'sigmoid' else logits
        if maps.shape[2:] != context.shape[2:]:
            maps = F.interpolate(
                maps, size=context.shape[2:], mode='bilinear', align_corners=False
            )
        divisor = getattr(self.refiner, 'input_divisor', 1)
        if any(side % divisor for side in context.shape[2:]):
            raise UserError(
                f'the refiner reads maps of {tuple(context.shape[:1:-1])} px, not '
                f'divisible by {divisor}; change feature_index or its depth'
            )
        confidence = self.refiner(torch.cat((context, maps.to(context.dtype)), dim=1))
        width, height = self.decoder.heatmap_size
        if confidence.shape[2:] == (height, width):
            return confidence
        if self.feature_index is None:
            raise UserError(
                f'the refiner put out maps of {tuple(confidence.shape[:1:-1])} px for '
                f'a heatmap_size of {(width, height)}; fit its output_stride'
            )
        return F.interpolate(
            confidence.float(),
            size=(height, width),
            mode='bilinear',
            align_corners=False,
        )

    def forward(self, feats: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Return part scores and the maps that are decoded, (B, K, H, W) each.

        Args:
            feats (tuple[Tensor]): As for :meth:`detect`.
        """
        logits = self.detect(feats)
        if self.refiner is None:
            return logits, self.estimate(logits)
        return logits, self.regress(logits, feats)

    def loss(
        self,
        feats: tuple[Tensor, ...],
        batch_data_samples: list,
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of the parts that train, and nothing else.

        The detector trains if its output has a gradient, whichever weights before it
        are to be learned; the refiner if one of its own weights has.

        Args:
            feats (tuple[Tensor]): As for :meth:`detect`.
            batch_data_samples (list[PoseDataSample]): With
                ``gt_instance_labels`` as ``PackCascadeInputs`` makes them.
            train_cfg (dict, optional): Not used.

        Returns:
            dict[str, Tensor]: ``loss_detector`` and/or ``loss_refiner``.

        Raises:
            UserError: If the samples' joints do not fit the head.
        """
        target = self._joints(batch_data_samples, feats[-1].device)
        losses = {}
        logits = self.detect(feats)
        if logits.requires_grad and getattr(
            self.detector_codec, 'needs_visibility', False
        ):
            self._unknown_visibility.warn(batch_data_samples)
        # Without gradients nothing trains, and all losses are asked for.
        asked = not torch.is_grad_enabled()
        if asked or logits.requires_grad:
            losses['loss_detector'] = self.loss_detector(
                logits, *self.detector_codec.encode_batch(*target)
            )
        if self.refiner is not None and (
            asked or any(each.requires_grad for each in self.refiner.parameters())
        ):
            losses['loss_refiner'] = self.loss_refiner(
                self.regress(logits, feats), *self.decoder.encode_batch(*target)
            )
        return losses

    def _joints(
        self, samples: list, device: torch.device
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Joints (B, K, 2) in input pixels, annotated (B, K), unoccluded (B, K)."""
        labels = [sample.gt_instance_labels for sample in samples]
        if 'keypoints_unoccluded' not in labels[0]:
            raise UserError(
                'the samples carry no joints for this head; end train_pipeline with '
                "dict(type='PackCascadeInputs')"
            )
        parts = labels[0].keypoints.shape[1]
        if parts != self.out_channels:
            raise UserError(
                f'the data set has {parts} joints, the head out_channels '
                f'{self.out_channels}; set model.head.out_channels to {parts}'
            )
        names = ('keypoints', 'keypoints_annotated', 'keypoints_unoccluded')
        return tuple(
            torch.from_numpy(np.concatenate([label[name] for label in labels])).to(
                device
            )
            for name in names
        )

    def part_maps(
        self, feats: tuple[Tensor, ...], with_refiner: bool
    ) -> dict[str, Tensor]:
        """Run the detector and, if asked for, the refiner.

        Args:
            feats (tuple[Tensor]): As for :meth:`detect`.
            with_refiner (bool): Whether the refiner's maps are wanted.

        Returns:
            dict[str, Tensor]: By part, (B, K, H, W) float32 each.
        """
        logits = self.detect(feats)
        maps = {DETECTOR: self.estimate(logits.float())}
        if with_refiner:
            maps[REFINER] = self.regress(logits, feats).float()
        return maps
