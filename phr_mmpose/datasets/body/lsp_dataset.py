"""Leeds Sports Pose."""

from dataclasses import replace

import numpy as np
from mmpose.registry import DATASETS

from phr_mmpose.datasets.annotation_list import AnnotationList
from phr_mmpose.datasets.body.part_dataset import PartDataset
from phr_mmpose.datasets.body_size import joint_boxes
from phr_mmpose.datasets.joints import (
    LSP14_METAINFO,
    LSP_JOINTS,
    LSP_METAINFO,
    lsp_to_mpii,
)
from phr_mmpose.utils.errors import UserError


@DATASETS.register_module()
class LspDataset(PartDataset):
    """Leeds Sports Pose (`Johnson & Everingham, BMVC 2010`_).

    Args:
        ann_file (str): Annotation list with LSP's 14 joints, as written by
            ``tools/prepare_lsp.py``.
        joints (str): ``'mpii16'`` (default) maps LSP's joints to MPII's, with
            pelvis and thorax not annotated; ``'lsp14'`` keeps LSP's own. Code
            that reads the joints from the class alone (MMPose's inferencer,
            for a checkpoint without meta information) sees MPII's 16.
        crop (str): ``'centre'`` (default) takes the list's boxes, which are those of
            the authors' protocol: a crop of 178 px around the photo's centre, which
            uses nothing about the person at test time. ``'joints'`` puts the box around
            the annotated joints.
        metainfo (dict, optional): Replaces the meta information that
            ``joints`` selects.
        **kwargs: See :class:`PartDataset`.

    Raises:
        UserError: If ``joints`` or ``crop`` is unknown, or the list is faulty.

    .. _`Johnson & Everingham, BMVC 2010`: https://doi.org/10.5244/C.24.12
    """

    METAINFO: dict = LSP_METAINFO
    METAINFO_LSP14: dict = LSP14_METAINFO
    NUM_LIST_JOINTS = len(LSP_JOINTS)

    def __init__(
        self,
        ann_file: str = '',
        joints: str = 'mpii16',
        crop: str = 'centre',
        metainfo: dict | None = None,
        **kwargs,
    ) -> None:
        if joints not in ('mpii16', 'lsp14'):
            raise UserError(f"joints='{joints}': choose 'mpii16' or 'lsp14'")
        if crop not in ('centre', 'joints'):
            raise UserError(f"crop='{crop}': choose 'centre' or 'joints'")
        self.joints = joints
        self.crop = crop
        if metainfo is None and joints == 'lsp14':
            metainfo = self.METAINFO_LSP14
        super().__init__(ann_file=ann_file, metainfo=metainfo, **kwargs)

    def convert(self, annotations: AnnotationList) -> AnnotationList:
        """Choose the boxes, then map the joints.

        Args:
            annotations (AnnotationList): The list as read, with 14 joints.

        Returns:
            AnnotationList: With 16 or 14 joints.
        """
        if self.crop == 'joints':
            centers, scales = joint_boxes(annotations.joints, annotations.annotated)
            # A person without any annotated joint keeps the list's box.
            centers = np.where(np.isnan(centers), annotations.centers, centers)
            scales = np.where(np.isnan(scales), annotations.scales, scales)
            annotations = replace(annotations, centers=centers, scales=scales)
        if self.joints == 'mpii16':
            annotations = replace(
                annotations,
                joints=lsp_to_mpii(annotations.joints),
                annotated=lsp_to_mpii(annotations.annotated),
                visible=lsp_to_mpii(annotations.visible),
            )
        return annotations
