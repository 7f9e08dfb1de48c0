"""The estimator around the cascade: it hands the image on to the head."""

from collections.abc import Callable
from typing import Any

import torch
from mmpose.models.pose_estimators.topdown import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor, nn

from phr_mmpose.models.fusing import fuse_conv_bn
from phr_mmpose.models.heads.cascade_head import DETECTOR, REFINER
from phr_mmpose.renamed import refuse_gone, refuse_renamed
from phr_mmpose.utils.checkpoint import check_plain
from phr_mmpose.utils.errors import UserError


@MODELS.register_module()
class CascadePoseEstimator(TopdownPoseEstimator):
    """Top-down estimator whose head also sees the image.

    Its subnetworks are ``'detector'`` (backbone, neck and the head's detector) and,
    unless the head has ``refiner=None``, ``'refiner'``; ``StagedTrainingHook``
    trains them by these names. ``test_cfg`` has MMPose's keys and those of
    ``CascadeHead.predict``.

    Args:
        channels_last (bool): Keep weights and activations in the NHWC layout,
            the faster one for convolutions on current CPUs and GPUs.
            Defaults to True.
        fuse_frozen (bool): While backbone and neck are frozen in training
            (without gradients, in evaluation mode), run a copy whose batch
            normalisation is fused into the convolutions: the same features up to
            rounding, in less time, for the memory of their weights. Defaults to
            True.
        compile (bool | dict): Let ``torch.compile`` translate the backbone,
            the neck and the subnetworks of the head, with these options (True:
            its defaults). The weights keep their names. Defaults to False.
        **kwargs: As for MMPose's ``TopdownPoseEstimator``.

    Raises:
        UserError: If this torch cannot ``compile`` modules in place.
    """

    def __init__(
        self,
        *args,
        channels_last: bool = True,
        fuse_frozen: bool = True,
        compile: bool | dict = False,
        **kwargs,
    ):
        refuse_renamed(kwargs, fold_frozen='fuse_frozen')
        refuse_gone(
            kwargs.get('test_cfg') or {},
            fold='load_pose_model fuses by itself',
            flip_batch='views are predicted one after the other',
            autocast='put torch.autocast around the prediction',
        )
        super().__init__(*args, **kwargs)
        self.fuse_frozen = fuse_frozen
        self.memory_format = (
            torch.channels_last if channels_last else torch.contiguous_format
        )
        self.to(memory_format=self.memory_format)
        self._fused_trunk: nn.Module | None = None
        if compile:
            if not hasattr(nn.Module, 'compile'):
                raise UserError('model.compile needs torch >= 2.2; leave it out')
            options = {} if compile is True else compile
            for modules in self.subnetworks().values():
                for module in modules:
                    module.compile(**options)

    def subnetworks(self) -> dict[str, list[nn.Module]]:
        """Return the modules of each subnetwork that there is."""
        found = {DETECTOR: [*self._trunk(), self.head.detector]}
        if self.head.refiner is not None:
            found[REFINER] = [self.head.refiner]
        return found

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Extract features.

        Args:
            inputs (Tensor): Images (B, C, H, W), normalised.

        Returns:
            tuple[Tensor]: The feature maps, then the images themselves.
        """
        inputs = inputs.contiguous(memory_format=self.memory_format)
        if self.fuse_frozen and self.training and self._trunk_is_frozen():
            if self._fused_trunk is None:
                self._fused_trunk = self._fuse_trunk()
            with torch.no_grad():
                feats = self._fused_trunk(inputs)
        else:
            self._fused_trunk = None
            feats = super().extract_feat(inputs)
        # Some necks give a single map.
        feats = (feats,) if isinstance(feats, Tensor) else feats
        return (*feats, inputs)

    def _trunk(self) -> list[nn.Module]:
        return [self.backbone, *([self.neck] if self.with_neck else [])]

    def _trunk_is_frozen(self) -> bool:
        """Whether neither weights nor batch statistics before the head can change."""
        return not any(
            module.training or any(p.requires_grad for p in module.parameters())
            for module in self._trunk()
        )

    def _fuse_trunk(self) -> nn.Module:
        fused = nn.Sequential(*map(fuse_conv_bn, self._trunk()))
        return fused.to(memory_format=self.memory_format)

    # The copy is made anew where the trunk may have changed: after it was trained or
    # run in evaluation mode, when the model moves, and when its weights are loaded.

    def _apply(self, fn: Callable, *args: Any, **kwargs: Any) -> 'CascadePoseEstimator':
        self._fused_trunk = None
        return super()._apply(fn, *args, **kwargs)

    def _load_from_state_dict(self, state_dict: dict, *args: Any) -> None:
        self._fused_trunk = None
        # MMPose's own tools look at no weight; MMEngine skips odd ones with a warning.
        check_plain(state_dict, 'the checkpoint')
        super()._load_from_state_dict(state_dict, *args)

    def __setattr__(self, name: str, value: Any) -> None:
        # A copy of weights is no part of the model: neither its checkpoints nor its
        # optimizers may see it.
        if name == '_fused_trunk':
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def __getstate__(self) -> dict:
        """Leave out of copies and pickles what is made anew: fused, compiled."""
        return {**self.__dict__, '_fused_trunk': None, '_compiled_call_impl': None}
