"""MPII Human Pose with occlusion."""

from dataclasses import replace

import numpy as np
from mmpose.registry import DATASETS

from phr_mmpose.datasets.annotation_list import AnnotationList
from phr_mmpose.datasets.body.part_dataset import PartDataset
from phr_mmpose.datasets.joints import MPII_JOINTS, MPII_METAINFO


@DATASETS.register_module()
class MpiiPartDataset(PartDataset):
    """MPII Human Pose (`Andriluka et al., CVPR 2014`_), single persons.

    It differs from MMPose's ``MpiiDataset`` in three points: visibility has two
    channels, [annotated, visible]; keypoints count pixels from 0, as boxes and
    predictions do; head sizes come with the annotation list. The boxes are the
    same.

    Args:
        ann_file (str): Annotation list with 16 joints, as written by
            ``tools/prepare_mpii.py``, or one of the widely used MPII lists.
        **kwargs: See :class:`PartDataset`.

    .. _`Andriluka et al., CVPR 2014`: http://human-pose.mpi-inf.mpg.de
    """

    METAINFO: dict = MPII_METAINFO
    NUM_LIST_JOINTS = len(MPII_JOINTS)

    def convert(self, annotations: AnnotationList) -> AnnotationList:
        """Move the boxes down by 15 px of 200, as all users of MPII do.

        The annotated centres lie high on the body; without the shift crops cut
        feet off.

        Args:
            annotations (AnnotationList): The list as read.

        Returns:
            AnnotationList: The list with shifted centres.
        """
        return replace(
            annotations, centers=annotations.centers + center_shift(annotations.scales)
        )


def center_shift(scales: np.ndarray) -> np.ndarray:
    """How far MPII's annotated centres are moved before the crop is taken.

    Args:
        scales (np.ndarray): Shape (N,), in units of 200 px.

    Returns:
        np.ndarray: Shape (N, 2): down by 15 px of 200, in pixels of the photo.
    """
    return np.stack([np.zeros_like(scales), 15 * scales], axis=1)
