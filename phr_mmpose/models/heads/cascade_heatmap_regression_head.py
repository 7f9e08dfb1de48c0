"""The cascade: detection, stacking, regression (paper, Fig. 1)."""

import numpy as np
import torch
import torch.nn.functional as F
from mmpose.models.heads.base_head import BaseHead
from mmpose.registry import MODELS
from torch import Tensor

from phr_mmpose.models.heads.cascade_head import (
    DETECTOR,
    REFINER,
    CascadeHead,
    Features,
)
from phr_mmpose.models.heads.unknown_visibility import UnknownVisibility
from phr_mmpose.models.losses.heatmap_loss import takes_logits
from phr_mmpose.renamed import refuse_renamed
from phr_mmpose.utils.errors import UserError

_STACKS = ('sigmoid', 'logits')
_IMAGE_CHANNELS = 3


@MODELS.register_module(
    name=['CascadeHeatmapRegressionHead', 'CascadeHeatmapRegression']
)
class CascadeHeatmapRegressionHead(CascadeHead):
    """Detect visible keypoints, stack their heatmaps with the image, regress all.

    From `Human Pose Estimation via Convolutional Part Heatmap Regression
    <https://arxiv.org/abs/1609.01743>`_. Targets are drawn here, on the
    device of the heatmaps: the loader ships keypoints, never heatmaps.

    What the detector's output means follows from the loss that trains it: with
    ``SigmoidCrossEntropyLoss`` (paper) the sigmoid of it is a probability, with
    ``ConfidenceMSELoss`` it is itself a confidence. The second, with
    ``GaussianConfidence`` for ``detector_codec``, makes the rows "regression
    only" and "regression + regression" of the paper's Table 5.

    Letters: B samples, K keypoints, H x W the heatmap grid, C x H_in x W_in the
    input image.

    Args:
        detector (dict): The detector head's config, a module called with the
            feature maps and the heatmap size, that returns scores. One that
            supervises more than these has ``supervise``, one that has coarser scores
            for the refiner ``num_scales`` and ``coarser``, as
            ``StackedDetectorHead``.
        refiner (dict, optional): The refiner's config. ``in_channels``,
            ``out_channels`` and ``output_stride`` are filled in where absent.
            With None the detector stands alone: its heatmaps, decoded by
            ``detector_codec``, are the prediction, and ``refiner_codec``,
            ``loss_refiner``, ``stack`` and ``feature_index`` go unused.
        input_size (tuple[int, int]): Input image size in pixels, (w, h).
        heatmap_size (tuple[int, int], optional): Size of all heatmaps in pixels,
            (w, h): ``input_size`` (the default, as in the paper) or
            that divided by one integer.
        detector_codec (dict, optional): Codec of the detector's heatmaps, without
            sizes. Defaults to ``BinaryDisc``.
        refiner_codec (dict, optional): Codec of the refiner's heatmaps, without
            sizes. Defaults to ``GaussianConfidence``.
        loss_detector (dict): Defaults to ``SigmoidCrossEntropyLoss``. One from
            elsewhere that takes logits must say ``takes_logits = True``.
        loss_refiner (dict): Of heatmaps, not of logits. Defaults to
            ``ConfidenceMSELoss``.
        out_channels (int): Keypoints K. Defaults to 16.
        stack (str): What of the detector is stacked, ``'sigmoid'`` (its
            confidence) or ``'logits'``, its output as it is. Defaults to
            ``'sigmoid'``.
        feature_index (int, optional): Stack this feature map of the backbone
            in place of the image (the paper's section 3 allows either). Heatmaps
            are then resized to its grid and the refiner's output, by
            default at that grid, to the heatmap's. The image stands behind the
            feature maps, so -2 is the last of these: with ``StackedHourglass`` the
            last stack's features. Defaults to None: the image.
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
        refiner_codec: dict | None = None,
        loss_detector: dict | None = None,
        loss_refiner: dict | None = None,
        out_channels: int = 16,
        stack: str = 'sigmoid',
        feature_index: int | None = None,
        feature_channels: int | None = None,
        init_cfg: dict | None = None,
        **renamed,
    ):
        refuse_renamed(renamed, decoder='refiner_codec')
        if renamed:
            raise TypeError(f'got an unexpected keyword argument {min(renamed)!r}')
        super().__init__(
            input_size,
            heatmap_size,
            detector_codec,
            refiner_codec,
            out_channels,
            alone=refiner is None,
            init_cfg=init_cfg,
        )
        if stack not in _STACKS:
            raise UserError(f'stack must be one of {_STACKS}, got {stack!r}')
        if (feature_index is None) != (feature_channels is None):
            raise UserError('feature_index and feature_channels go together')
        self.stack = stack
        self.feature_index = feature_index
        self.feature_channels = feature_channels
        self._unknown_visibility = UnknownVisibility()
        self.detector = MODELS.build({'out_channels': out_channels, **detector})
        self.loss_detector = MODELS.build(
            loss_detector or dict(type='SigmoidCrossEntropyLoss')
        )
        self.takes_logits = takes_logits(self.loss_detector)
        self.refiner = self.loss_refiner = None
        if refiner is not None:
            at_features = feature_index is not None
            stacked = out_channels * getattr(self.detector, 'num_scales', 1)
            stacked += feature_channels or _IMAGE_CHANNELS
            self.refiner = MODELS.build(
                {
                    'in_channels': stacked,
                    'out_channels': out_channels,
                    'output_stride': 1 if at_features else self.refiner_codec.stride,
                    **refiner,
                }
            )
            self.loss_refiner = MODELS.build(
                loss_refiner or dict(type='ConfidenceMSELoss')
            )
            self._check_refiner(stacked)
        self._check_subnetwork(DETECTOR)

    def _check_subnetwork(self, name: str) -> None:
        """Refuse a whole head, and another number of heatmaps."""
        subnetwork = getattr(self, name)
        source = type(subnetwork).forward.__module__
        if isinstance(subnetwork, BaseHead) and source.startswith('mmpose.'):
            raise UserError(
                f'{name} {type(subnetwork).__name__} is a whole head of MMPose; name '
                'a module of its layers, such as PartDetectorHead, or use it in the '
                'place of the cascade (model.head)'
            )
        channels = getattr(subnetwork, 'out_channels', self.out_channels)
        if channels != self.out_channels:
            raise UserError(
                f"{name} out_channels {channels} differs from the head's "
                f'{self.out_channels}; leave it out to have it filled in'
            )

    def _check_refiner(self, stacked: int) -> None:
        """Refuse a config that would only fail in the forward pass."""
        first, second = self.detector_codec, self.refiner_codec
        for name in ('input_size', 'heatmap_size'):
            if getattr(first, name) != getattr(second, name):
                raise UserError(
                    f'detector_codec and refiner_codec differ in {name}: '
                    f'{getattr(first, name)} and {getattr(second, name)}; '
                    'give both the same'
                )
        if self.stack == 'sigmoid' and not self.takes_logits:
            raise UserError(
                f"stack='sigmoid' would squash the heatmaps that "
                f"{type(self.loss_detector).__name__} trains; set stack='logits'"
            )
        if takes_logits(self.loss_refiner):
            raise UserError(
                f'loss_refiner {type(self.loss_refiner).__name__} takes logits, but '
                "the refiner's heatmaps are confidences; give a loss that compares "
                'heatmaps, such as ConfidenceMSELoss'
            )
        self._check_subnetwork(REFINER)
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

    def detect(self, feats: Features) -> Tensor:
        """Run the detector.

        Args:
            feats (tuple[Tensor]): Feature maps of the backbone, then the
                image (B, C, H_in, W_in).

        Returns:
            Tensor: Scores (B, K, H, W), as ``loss_detector`` takes them.

        Raises:
            UserError: If there are no images, or not of ``input_size``.
        """
        images = feats[-1]
        if images.shape[1] != _IMAGE_CHANNELS:
            raise UserError(
                f'{type(self).__name__} needs the images beside the feature maps: '
                "set model.type to 'CascadePoseEstimator'"
            )
        size, expected = tuple(images.shape[:1:-1]), self.detector_codec.input_size
        if size != tuple(expected):
            raise UserError(
                f'images of {size} px (width, height) reach a head with input_size '
                f'{expected}; give TopdownAffine and the head the same input_size'
            )
        width, height = self.detector_codec.heatmap_size
        return self.detector(feats[:-1], (height, width))

    def estimate(self, logits: Tensor) -> Tensor:
        """Turn the detector's output into its heatmaps.

        Args:
            logits (Tensor): Scores (B, K, H, W) from :meth:`detect`.

        Returns:
            Tensor: Probabilities or confidence, by ``loss_detector``, of the
            same shape.
        """
        return logits.sigmoid() if self.takes_logits else logits

    def regress(self, logits: Tensor, feats: Features) -> Tensor:
        """Stack the detector's heatmaps with the image and run the refiner.

        Args:
            logits (Tensor): Logits (B, K, H, W).
            feats (tuple[Tensor]): As for :meth:`detect`.

        Returns:
            Tensor: Confidences (B, K, H, W).
        """
        context = self._context(feats)
        size = context.shape[2:]
        coarser = getattr(self.detector, 'coarser', lambda _: [])
        seen = [
            _resize(each.sigmoid() if self.stack == 'sigmoid' else each, size)
            for each in (logits, *coarser(feats[:-1]))
        ]
        divisor = getattr(self.refiner, 'input_divisor', 1)
        if any(side % divisor for side in size):
            raise UserError(
                f'the refiner reads maps of {tuple(context.shape[:1:-1])} px, not '
                f'divisible by {divisor}; change feature_index or its depth'
            )
        seen = [each.to(context.dtype) for each in seen]
        confidence = self.refiner(torch.cat((context, *seen), dim=1))
        width, height = self.detector_codec.heatmap_size
        if confidence.shape[2:] == (height, width):
            return confidence
        if self.feature_index is None:
            raise UserError(
                'the refiner put out heatmaps of '
                f'{tuple(confidence.shape[:1:-1])} px for a '
                f'heatmap_size of {(width, height)}; fit its output_stride'
            )
        return _resize(confidence.float(), (height, width))

    def _context(self, feats: Features) -> Tensor:
        """What the refiner reads beside the heatmaps."""
        index = self.feature_index
        if index is None:
            return feats[-1]
        last = -1 - len(feats)
        if not (0 <= index < len(feats) - 1 or last < index < -1):
            raise UserError(
                f'feature_index {index} is none of the {len(feats) - 1} feature maps '
                f'of the backbone: give 0 to {len(feats) - 2}, or -2 for the last'
            )
        if feats[index].shape[1] != self.feature_channels:
            raise UserError(
                f'feature map {index} of the backbone has {feats[index].shape[1]} '
                f'channels, not the feature_channels {self.feature_channels}'
            )
        return feats[index]

    def forward(self, feats: Features) -> tuple[Tensor, Tensor]:
        """Return the detector's scores and the last heatmaps, (B, K, H, W) each.

        Args:
            feats (tuple[Tensor]): As for :meth:`detect`.
        """
        logits = self.detect(feats)
        if self.refiner is None:
            return logits, self.estimate(logits)
        return logits, self.regress(logits, feats)

    def loss(
        self,
        feats: Features,
        batch_data_samples: list,
        train_cfg: dict | None = None,
    ) -> dict[str, Tensor]:
        """Compute the losses of the subnetworks that train, and nothing else.

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
            losses['loss_detector'] = self._detector_loss(logits, feats, target)
        if self.refiner is not None and (
            asked or any(each.requires_grad for each in self.refiner.parameters())
        ):
            losses['loss_refiner'] = self.loss_refiner(
                self.regress(logits, feats), *self.refiner_codec.encode_batch(*target)
            )
        return losses

    def _detector_loss(
        self, logits: Tensor, feats: Features, target: tuple[Tensor, Tensor, Tensor]
    ) -> Tensor:
        """Compute the loss of the scores, and of all others that the detector has."""
        if hasattr(self.detector, 'supervise'):
            return self.detector.supervise(
                feats[:-1], target, self.detector_codec, self.loss_detector
            )
        return self.loss_detector(logits, *self.detector_codec.encode_batch(*target))

    def _joints(
        self, samples: list, device: torch.device
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Joints (B, K, 2) in input pixels, annotated (B, K), visible (B, K)."""
        labels = [sample.gt_instance_labels for sample in samples]
        if 'keypoints_unoccluded' not in labels[0]:
            raise UserError(
                'the samples carry no joints for this head; end train_pipeline with '
                "dict(type='PackCascadeInputs')"
            )
        numbers = sorted({label.keypoints.shape[1] for label in labels})
        if len(numbers) > 1:
            raise UserError(
                f'one batch has persons of {" and ".join(map(str, numbers))} joints; '
                'bring data sets to the same joints by VisibilityKeypointConverter'
            )
        if numbers != [self.out_channels]:
            raise UserError(
                f'the data set has {numbers[0]} joints, the head out_channels '
                f'{self.out_channels}; set model.head.out_channels to {numbers[0]}'
            )
        names = ('keypoints', 'keypoints_annotated', 'keypoints_unoccluded')
        return tuple(
            torch.from_numpy(np.concatenate([label[name] for label in labels])).to(
                device
            )
            for name in names
        )

    def heatmaps(self, feats: Features, with_refiner: bool) -> dict[str, Tensor]:
        """Run the detector and, if asked for, the refiner.

        Args:
            feats (tuple[Tensor]): As for :meth:`detect`.
            with_refiner (bool): Whether the refiner's heatmaps are wanted.

        Returns:
            dict[str, Tensor]: By subnetwork, (B, K, H, W) float32 each.
        """
        logits = self.detect(feats)
        found = {DETECTOR: self.estimate(logits.float())}
        if with_refiner:
            found[REFINER] = self.regress(logits, feats).float()
        return found


def _resize(heatmaps: Tensor, size: tuple[int, int]) -> Tensor:
    """Interpolate heatmaps (B, K, h, w) to another size (H, W)."""
    if heatmaps.shape[2:] == size:
        return heatmaps
    return F.interpolate(heatmaps, size=size, mode='bilinear', align_corners=False)
