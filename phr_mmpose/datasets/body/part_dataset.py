"""What the datasets of annotation lists have in common."""

import os.path as osp

import numpy as np
from mmpose.datasets.datasets import BaseCocoStyleDataset

from phr_mmpose.datasets.annotation_list import (
    PIXELS_PER_SCALE,
    AnnotationList,
    load_annotation_list,
)
from phr_mmpose.datasets.joints import head_sizes
from phr_mmpose.utils.errors import UserError


class PartDataset(BaseCocoStyleDataset):
    """Base class of top-down datasets that carry occlusion.

    It reads an annotation list (:mod:`phr_mmpose.datasets.annotation_list`) and gives
    ``keypoints_visible`` of shape (1, K, 2): the first channel says whether a
    joint is annotated, the second whether it is annotated and not occluded. Where
    the list does not say what is hidden, it is (1, K): annotated. K is the number
    of joints. All coordinates are pixels of the photo, counted from
    0 with pixel centres at integers. Items hold, besides the usual meta keys:

    - ``img_path`` (str)
    - ``bbox`` (1, 4) float32, x1, y1, x2, y2: the square whose enlargement by
      ``GetBBoxCenterScale(padding=1.25)`` is the crop
    - ``bbox_score`` (1,) float32, ones
    - ``keypoints`` (1, K, 2) float32, zeros where not annotated
    - ``keypoints_visible`` (1, K, 2) or (1, K) float32
    - ``head_size`` (1,) float32, 0.6 x the head box's diagonal, NaN for a person
      without one
    - ``id``, ``img_id`` (int): numbers of the person and of the photo

    With ``test_mode`` the meta information has ``num_head_boxes`` (int), the number
    of persons of the list that have a head box, where that is not all of them.

    Args:
        ann_file (str): Annotation list, relative to ``data_root``.
        metainfo (dict, optional): Replaces the class's ``METAINFO``.
        data_root (str, optional): Folder of ``ann_file`` and ``data_prefix``.
        data_prefix (dict): ``img``: folder of the photos. Defaults to
            ``dict(img='')``.
        **kwargs: ``indices``, ``serialize_data``, ``pipeline``, ``test_mode``,
            ``lazy_init`` and ``max_refetch`` of ``BaseCocoStyleDataset``.

    Raises:
        UserError: If the list cannot be read or an entry is faulty.
    """

    #: Number of joints of each person in the annotation list.
    NUM_LIST_JOINTS: int

    def __init__(
        self,
        ann_file: str = '',
        metainfo: dict | None = None,
        data_root: str | None = None,
        data_prefix: dict | None = None,
        **kwargs,
    ) -> None:
        if 'crop_cache' in kwargs:
            raise UserError(
                'config: crop_cache is gone since version 0.2: cut the persons out '
                'with tools/crop_dataset.py and name that folder in data_root'
            )
        super().__init__(
            ann_file=ann_file,
            metainfo=metainfo,
            data_root=data_root,
            data_prefix=data_prefix or {'img': ''},
            data_mode='topdown',
            **kwargs,
        )

    def convert(self, annotations: AnnotationList) -> AnnotationList:
        """Adapt the list to the dataset's joints and boxes; a hook.

        Args:
            annotations (AnnotationList): The list as read.

        Returns:
            AnnotationList: With joints in the order of the dataset's meta
            information, and the boxes to use.
        """
        return annotations

    def load_data_list(self) -> list[dict]:
        """Read the annotation list.

        Returns:
            list[dict]: One item for each person.
        """
        annotations = self.convert(
            load_annotation_list(self.ann_file, self.NUM_LIST_JOINTS)
        )
        # From here on pixels count from 0.
        centers = annotations.centers - 1
        half = (annotations.scales * PIXELS_PER_SCALE / 2)[:, None]
        boxes = np.concatenate([centers - half, centers + half], axis=1)
        boxes = boxes.astype(np.float32)
        keypoints = np.where(
            annotations.annotated[..., None], annotations.joints - 1, 0
        )
        keypoints = keypoints.astype(np.float32)
        flags = np.stack([annotations.annotated, annotations.visible], axis=-1).astype(
            np.float32
        )
        heads = head_sizes(annotations.head_boxes).astype(np.float32)

        image_ids: dict[str, int] = {}
        items = []
        for index, image in enumerate(annotations.images):
            item = {
                'id': index,
                'img_id': image_ids.setdefault(image, len(image_ids)),
                'img_path': osp.join(self.data_prefix['img'], image),
                'bbox': boxes[index : index + 1],
                'bbox_score': np.ones(1, dtype=np.float32),
                'keypoints': keypoints[index : index + 1],
                'keypoints_visible': flags[index : index + 1]
                if annotations.visibility_known[index]
                else flags[index : index + 1, :, 0],
                'head_size': heads[index : index + 1],
            }
            items.append(item)
        # Training does not need it, and MMEngine joins only data sets with the same
        # meta information.
        num_head_boxes = int(np.isfinite(heads).sum())
        if self.test_mode and num_head_boxes < len(items):
            self._metainfo['num_head_boxes'] = num_head_boxes
        return items
