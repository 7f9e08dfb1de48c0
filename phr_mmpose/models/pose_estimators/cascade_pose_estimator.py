"""The estimator around the cascade: it hands the image on to the head."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from mmpose.models.pose_estimators.topdown import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvNd

from phr_mmpose.models.batch_sizes import predict_in_parts
from phr_mmpose.models.folding import fold_batch_norm
from phr_mmpose.models.parts import DETECTOR, REFINER
from phr_mmpose.models.pose_estimators.pred_instances import add_joints
from phr_mmpose.models.pose_estimators.views import extract_views
from phr_mmpose.utils.errors import UserError

_PRECISIONS = dict(bfloat16=torch.bfloat16, float16=torch.float16)


@MODELS.register_module()
class CascadePoseEstimator(TopdownPoseEstimator):
    """Top-down estimator whose head also sees the image.

    Its parts are ``'detector'`` (backbone, neck and the head's detector) and,
    unless the head has ``refiner=None``, ``'refiner'``; ``StagedTrainingHook``
    trains them by these names.

    Beside MMPose's keys and the head's, ``test_cfg`` may have

    - ``flip_batch``: the flip test's two views as one batch of twice the size
      (True, the default) or one after the other, in half the memory;
    - ``fold``: predict with a copy whose batch normalisation is folded into
      convolutions, see :func:`fold_batch_norm`. It is made at the first
      prediction and again when weights have changed; changes through
      ``tensor.data`` show only after :meth:`train` or ``eval``.
      Defaults to False;
    - ``autocast``: ``'bfloat16'`` or ``'float16'``, the precision of the
      networks. Maps are averaged and decoded in float32. Defaults to that
      of ``torch.autocast`` around the call, if there is one.

    Args:
        channels_last (bool): Keep weights and activations in the NHWC layout,
            the faster one for convolutions on current CPUs and GPUs.
            Defaults to True.
        fold_frozen (bool): While backbone and neck are frozen in training
            (without gradients, in evaluation mode), run a copy whose batch
            normalisation is folded into the convolutions: the same maps up to
            rounding, in less time, for the memory of their weights. Defaults to
            True.
        compile (bool | dict): Let ``torch.compile`` translate the backbone,
            the neck and the parts of the head, with these options (True:
            its defaults). The weights keep their names. Defaults to False.
        **kwargs: As for MMPose's ``TopdownPoseEstimator``.

    Raises:
        UserError: If this torch cannot ``compile`` modules in place.
    """

    def __init__(
        self,
        *args,
        channels_last: bool = True,
        fold_frozen: bool = True,
        compile: bool | dict = False,
        **kwargs,
    ):
        super().__init__(*args, **kwargs)
        self.fold_frozen = fold_frozen
        self.memory_format = (
            torch.channels_last if channels_last else torch.contiguous_format
        )
        self.to(memory_format=self.memory_format)
        self._folded = {}
        if compile:
            if not hasattr(nn.Module, 'compile'):
                raise UserError('model.compile needs torch >= 2.2; leave it out')
            options = {} if compile is True else compile
            for modules in self.parts().values():
                for module in modules:
                    module.compile(**options)

    def parts(self) -> dict[str, list[nn.Module]]:
        """Return the modules of each part that there is."""
        detector = [self.backbone, self.head.detector]
        if self.with_neck:
            detector.append(self.neck)
        parts = {DETECTOR: detector}
        if self.head.refiner is not None:
            parts[REFINER] = [self.head.refiner]
        return parts

    def train(self, mode: bool = True) -> 'CascadePoseEstimator':
        """Switch to training mode; folded copies are made anew.

        Args:
            mode (bool): Training (True) or evaluation. Defaults to True.
        """
        self._folded = {}
        return super().train(mode)

    def extract_feat(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Extract features.

        Args:
            inputs (Tensor): Images (B, C, H, W), normalised.

        Returns:
            tuple[Tensor]: The feature maps, then the images themselves.
        """
        inputs = inputs.contiguous(memory_format=self.memory_format)
        if self.fold_frozen and self.training and self._trunk_is_frozen():
            with torch.no_grad():
                feats = self._folded_trunk()(inputs)
        else:
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

    def _folded_trunk(self) -> nn.Sequential:
        """Give the frozen backbone and neck, folded."""
        trunk = self._trunk()
        key = ('trunk', _versions(*trunk))
        if key not in self._folded:
            self._folded = {}
            folded = nn.Sequential(*map(fold_batch_norm, trunk))
            self._folded = {key: folded.to(memory_format=self.memory_format)}
        return self._folded[key]

    def predict(self, inputs: Tensor, data_samples: list) -> list:
        """Predict the joints of a batch, on a CPU in parts that suit it.

        Args:
            inputs (Tensor): Images (B, C, H, W), normalised.
            data_samples (list[PoseDataSample]): Their samples.

        Returns:
            list[PoseDataSample]: The samples, with ``pred_instances`` (numpy
            arrays: ``keypoints`` (1, K, 2) in pixels of the photo,
            ``keypoint_scores`` and ``keypoints_visible`` (1, K), ``bboxes``,
            ``bbox_scores``) and, with ``test_cfg.output_heatmaps``,
            ``pred_fields`` (tensors on the device).

        Raises:
            UserError: If ``test_cfg.autocast`` is of another name.
        """
        test_cfg = self.test_cfg or {}
        dtype = _precision(test_cfg.get('autocast'))
        if test_cfg.get('fold', False) and not self.training:
            folded = self._fold(dtype)
            folded.test_cfg = {**test_cfg, 'fold': False}
            return folded.predict(inputs, data_samples)
        # Disabled it would also end one around this call.
        device = inputs.device.type
        with torch.autocast(device, dtype) if dtype is not None else nullcontext():
            if self.training:
                # Batch statistics are those of the whole batch.
                return self._predict(inputs, data_samples)
            return predict_in_parts(self._predict, inputs, data_samples)

    def _predict(self, inputs: Tensor, data_samples: list) -> list:
        """As :meth:`predict`, all at once and with the modules as they are."""
        test_cfg = self.test_cfg or {}
        feats = extract_views(self.extract_feat, inputs, test_cfg)
        joints = self.head.predict_joints(feats, data_samples, test_cfg)
        return add_joints(joints, data_samples, test_cfg)

    def _fold(self, dtype: torch.dtype | None) -> 'CascadePoseEstimator':
        """Return the folded copy for a precision, a new one where there is none."""
        key = (dtype, _versions(self))
        if key not in self._folded:
            self._folded = {}
            folded = fold_batch_norm(self)
            if dtype is not None:
                # Else autocast would cast them again for each batch.
                for module in folded.modules():
                    if isinstance(module, _ConvNd):
                        module.to(dtype)
            self._folded = {key: folded}
        return self._folded[key]

    def __getstate__(self) -> dict:
        """Leave out of copies and pickles what is made anew: folded, compiled."""
        return {**self.__dict__, '_folded': {}, '_compiled_call_impl': None}

    def _apply(self, fn: Callable, *args: Any, **kwargs: Any) -> 'CascadePoseEstimator':
        self._folded = {}
        return super()._apply(fn, *args, **kwargs)


def _versions(*modules: nn.Module) -> int:
    """Tell apart the states of modules by the count of changes in place."""
    return hash(
        tuple(
            (id(tensor), tensor._version)
            for module in modules
            for tensor in (*module.parameters(), *module.buffers())
        )
    )


def _precision(name: str | None) -> torch.dtype | None:
    if name is not None and name not in _PRECISIONS:
        raise UserError(
            f'test_cfg.autocast must be one of {tuple(_PRECISIONS)}, got {name!r}'
        )
    return _PRECISIONS.get(name)
