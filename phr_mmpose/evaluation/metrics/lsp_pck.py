"""PCK on Leeds Sports Pose."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from mmpose.registry import METRICS

from phr_mmpose.datasets.joints import LSP_JOINTS, MPII_JOINTS, mpii_to_lsp
from phr_mmpose.evaluation.functional.pck import torso_lengths
from phr_mmpose.evaluation.metrics.keypoint_pck import KeypointPCK, RatedPoses


@METRICS.register_module()
class LspPCKAccuracy(KeypointPCK):
    """PCK@0.2 over LSP's 14 joints, occluded ones included.

    A joint is right within ``thr`` torso lengths of the ground truth, the torso
    being the distance from left shoulder to right hip. Left and right are those
    of the annotations in use (person-centric by default). ``Head`` is the mean
    of neck and head top. Models of MPII's 16 joints are rated on the 14 that
    LSP has.

    Args:
        thr (float): Threshold in torso lengths. Defaults to 0.2.
        out (str | Path | None): See :class:`KeypointPCK`.
        collect_device (str): See :class:`KeypointPCK`.
        prefix (str | None): See :class:`KeypointPCK`. Defaults to ``'lsp'``.
    """

    measure = 'PCK'
    default_prefix = 'lsp'
    joint_orders = (LSP_JOINTS, MPII_JOINTS)
    rates = '14 joints in the order of LSP or 16 in that of MPII'

    def __init__(
        self,
        thr: float = 0.2,
        out: str | Path | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(thr, out=out, collect_device=collect_device, prefix=prefix)

    def prepare(
        self, poses: RatedPoses
    ) -> tuple[RatedPoses, tuple[str, ...], np.ndarray]:
        """Pick LSP's joints and measure the torsos; see :class:`KeypointPCK`."""
        if poses.gt.shape[1] == len(MPII_JOINTS):
            poses = replace(
                poses,
                pred=mpii_to_lsp(poses.pred),
                gt=mpii_to_lsp(poses.gt),
                annotated=mpii_to_lsp(poses.annotated),
                visible=None if poses.visible is None else mpii_to_lsp(poses.visible),
            )
        torso = torso_lengths(
            poses.gt,
            poses.annotated,
            LSP_JOINTS.index('left_shoulder'),
            LSP_JOINTS.index('right_hip'),
        )
        return poses, LSP_JOINTS, torso
