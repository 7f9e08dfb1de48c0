"""PCKh on MPII Human Pose."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger
from mmpose.registry import METRICS

from phr_mmpose.datasets.joints import MPII_JOINTS
from phr_mmpose.evaluation.metrics.keypoint_pck import KeypointPCK, RatedPoses
from phr_mmpose.utils.errors import UserError

_MEND = (
    'PCKh needs "head_box" in the annotation list (tools/prepare_mpii.py writes it, '
    'from the original release)'
)


@METRICS.register_module()
class MpiiPCKhAccuracy(KeypointPCK):
    """PCKh@0.5 and @0.1 over MPII's annotated joints, as MPII's own kit rates.

    A joint is right within ``thr`` head sizes of the ground truth, a head size
    being 0.6 x the diagonal of the person's head box. ``Head`` is the mean of
    upper neck and head top; ``Total`` leaves out pelvis and thorax.

    Against MMPose's ``MpiiPCKAccuracy``: the threshold itself counts as a hit,
    ``Head`` is not the head top alone, and predictions are not shifted by one
    pixel, since the data sets of this package count pixels from 0.

    Persons without a head box are left out. How many the data set has is known
    when a validation or test loop is built, if its meta information has
    ``num_head_boxes`` (see :class:`PartDataset`).

    Args:
        thr (float): Threshold of the plain keys, in head sizes. Defaults to 0.5.
        extra_thrs (Sequence[float]): Thresholds reported under
            ``<key>@<threshold>``. Defaults to ``(0.1,)``.
        out (str | Path | None): See :class:`KeypointPCK`.
        collect_device (str): See :class:`KeypointPCK`.
        prefix (str | None): See :class:`KeypointPCK`. Defaults to ``'mpii'``.
    """

    measure = 'PCKh'
    default_prefix = 'mpii'
    joint_orders = (MPII_JOINTS,)
    rates = '16 joints in the order of MPII'

    def __init__(
        self,
        thr: float = 0.5,
        extra_thrs: Sequence[float] = (0.1,),
        out: str | Path | None = None,
        collect_device: str = 'cpu',
        prefix: str | None = None,
    ) -> None:
        super().__init__(thr, extra_thrs, out, collect_device, prefix)

    @KeypointPCK.dataset_meta.setter
    def dataset_meta(self, dataset_meta: dict | None) -> None:
        """Look at the joints, and whether there are head boxes.

        Args:
            dataset_meta (dict | None): The data set's meta information.

        Raises:
            UserError: If no person has a head box.
        """
        KeypointPCK.dataset_meta.fset(self, dataset_meta)
        number = (dataset_meta or {}).get('num_head_boxes')
        if number == 0:
            raise UserError(f'no person of the data has a head box: {_MEND}')
        if number is not None:
            MMLogger.get_current_instance().warning(
                'only %d persons of the data have a head box; PCKh leaves the others '
                'out',
                number,
            )

    def prepare(
        self, poses: RatedPoses
    ) -> tuple[RatedPoses, tuple[str, ...], np.ndarray]:
        """Check the head sizes; see :class:`KeypointPCK`."""
        if np.isnan(poses.head_size).all():
            raise UserError(f'no person of the data has a head size: {_MEND}')
        return poses, MPII_JOINTS, poses.head_size
