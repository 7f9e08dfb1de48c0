"""The estimator around the cascade: it hands on the image and freezes parts."""

from collections.abc import Sequence

import torch
from mmpose.models.pose_estimators.topdown import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.models.parts import DETECTOR, REFINER, check_parts


@MODELS.register_module()
class CascadePoseEstimator(TopdownPoseEstimator):
    """Top-down estimator whose head also sees the image, and whose parts freeze.

    The parts are ``'detector'`` (backbone, neck and the head's detector) and,
    unless the head has ``refiner=None``, ``'refiner'`` (paper, section 3:
    train the detector, then the regressor with the detector frozen, then both).

    Args:
        channels_last (bool): Keep weights and activations in the NHWC layout,
            the faster one for convolutions on current CPUs and GPUs.
            Defaults to True.
        **kwargs: As for MMPose's ``TopdownPoseEstimator``.
    """

    def __init__(self, *args, channels_last: bool = True, **kwargs):
        super().__init__(*args, **kwargs)
        self.memory_format = (
            torch.channels_last if channels_last else torch.contiguous_format
        )
        self.to(memory_format=self.memory_format)
        self.trained = tuple(self.parts())

    def parts(self) -> dict[str, list[nn.Module]]:
        """Return the modules of each part that there is."""
        detector = [self.backbone, self.head.detector]
        if self.with_neck:
            detector.append(self.neck)
        parts = {DETECTOR: detector}
        if self.head.refiner is not None:
            parts[REFINER] = [self.head.refiner]
        return parts

    def set_trained(self, parts: Sequence[str]) -> None:
        """Train these parts and freeze the others.

        A frozen part has no gradient (so no optimizer touches it: neither
        weight decay nor momentum) and its batch statistics stand still, also
        after :meth:`train`.

        Args:
            parts (Sequence[str]): Some of ``'detector'`` and ``'refiner'``.

        Raises:
            UserError: If a name is unknown, the cascade has no such part or
                none is given.
        """
        self.trained = check_parts(parts, tuple(self.parts()))
        self.head.set_trained(parts)
        for name, modules in self.parts().items():
            for module in modules:
                module.requires_grad_(name in self.trained)
                if name not in self.trained:
                    module.zero_grad(set_to_none=True)
        self.train(self.training)

    def train(self, mode: bool = True) -> 'CascadePoseEstimator':
        """Switch to training mode, frozen parts excepted.

        Args:
            mode (bool): Training (True) or evaluation. Defaults to True.
        """
        super().train(mode)
        # The base constructor may call this before there are parts.
        for name, modules in self.parts().items() if hasattr(self, 'trained') else ():
            if mode and name not in self.trained:
                for module in modules:
                    module.eval()
        return self

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Extract features, without a graph where the detector is frozen.

        Args:
            inputs (Tensor): Images (B, C, H, W), normalised.

        Returns:
            tuple[Tensor]: The feature maps, then the images themselves.
        """
        inputs = inputs.contiguous(memory_format=self.memory_format)
        with torch.set_grad_enabled(
            torch.is_grad_enabled() and DETECTOR in self.trained
        ):
            feats = super().extract_feat(inputs)
        # Some necks give a single map.
        feats = (feats,) if isinstance(feats, Tensor) else feats
        return (*feats, inputs)
