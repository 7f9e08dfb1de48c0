"""Leeds Sports Pose Extended Training."""

from dataclasses import replace

import numpy as np
from mmpose.registry import DATASETS

from phr_mmpose.datasets.annotation_list import AnnotationList
from phr_mmpose.datasets.body.lsp_dataset import LspDataset
from phr_mmpose.datasets.joints import LSPET14_METAINFO, LSPET_METAINFO


@DATASETS.register_module()
class LspetDataset(LspDataset):
    """Leeds Sports Pose Extended (`Johnson & Everingham, CVPR 2011`_).

    Its flag says whether a joint is annotated; which joints are hidden is unknown, so
    ``keypoints_visible`` is (1, K). Its persons come in every size, so boxes are put
    around the annotated joints such that the crops show bodies as large as LSP's.

    Args:
        ann_file (str): Annotation list with LSP's 14 joints, as written by
            ``tools/prepare_lsp.py``.
        joints (str): ``'mpii16'`` (default) or ``'lsp14'``, see
            :class:`LspDataset`.
        **kwargs: See :class:`PartDataset`.

    .. _`Johnson & Everingham, CVPR 2011`:
        https://doi.org/10.1109/CVPR.2011.5995318
    """

    METAINFO: dict = LSPET_METAINFO
    METAINFO_LSP14: dict = LSPET14_METAINFO

    def __init__(self, ann_file: str = '', joints: str = 'mpii16', **kwargs) -> None:
        # The list's own boxes are not trusted: a list made elsewhere may hold
        # boxes of another convention.
        super().__init__(ann_file=ann_file, joints=joints, crop='joints', **kwargs)

    def convert(self, annotations: AnnotationList) -> AnnotationList:
        """As :class:`LspDataset`, whatever the list says about visibility.

        Args:
            annotations (AnnotationList): The list as read, with 14 joints.

        Returns:
            AnnotationList: With 16 or 14 joints.
        """
        unknown = np.zeros(len(annotations), dtype=bool)
        return super().convert(
            replace(
                annotations, visible=annotations.annotated, visibility_known=unknown
            )
        )
