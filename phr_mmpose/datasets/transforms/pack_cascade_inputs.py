"""What the cascade needs of a sample: the picture, the joints and their flags."""

import cv2
import numpy as np
import torch
from mmpose.datasets.transforms import PackPoseInputs
from mmpose.registry import TRANSFORMS
from mmpose.structures import PoseDataSample

from phr_mmpose.utils.errors import UserError


@TRANSFORMS.register_module()
class PackCascadeInputs(PackPoseInputs):
    """Pack keypoints and both visibility flags; no target heatmaps.

    The targets are drawn where the loss is computed, so that the loader ships a
    few hundred bytes per sample instead of megabytes. K is the number of joints.

    Required keys: ``img``; and, where annotated, ``keypoints`` (1, K, 2) in pixels
    of the photo, ``transformed_keypoints`` (1, K, 2) in pixels of the input and
    ``keypoints_visible``, (1, K, 2) as [annotated, visible], or (1, K) as annotated if
    the data set cannot say which joints are hidden. Training then treats every
    annotated joint as visible.

    Packed besides the usual boxes, scores, ``head_size`` and meta information:

    - ``gt_instances.keypoints`` (1, K, 2), pixels of the photo
    - ``gt_instances.keypoints_visible`` (1, K), **annotated**: what MMPose's
      metrics mask by
    - ``gt_instances.keypoints_unoccluded`` (1, K), only where it is known
    - ``gt_instance_labels.keypoints`` (1, K, 2), pixels of the input
    - ``gt_instance_labels.keypoints_annotated`` (1, K)
    - ``gt_instance_labels.keypoints_unoccluded`` (1, K)
    - ``visibility_unknown_in`` (str), meta information: the data set's name, only
      where it cannot say which joints are hidden

    All are float32 numpy arrays: a tensor would cross from the worker to the trainer
    through its own file descriptor. Without annotation (inference on a bare photo)
    none of these is packed.

    Args:
        meta_keys (Sequence[str], optional): As in ``PackPoseInputs``.
        pack_transformed (bool): As in ``PackPoseInputs``. Defaults to False.

    Raises:
        UserError: If a sample is still to be mirrored.
    """

    instance_mapping_table = {
        'bbox': 'bboxes',
        'bbox_score': 'bbox_scores',
        'bbox_scale': 'bbox_scales',
        'head_size': 'head_size',
    }
    field_mapping_table = {}
    label_mapping_table = {}

    def transform(self, results: dict) -> dict:
        """Pack one sample.

        Args:
            results (dict): The pipeline's results.

        Returns:
            dict: ``inputs`` (3, H, W) uint8 tensor and ``data_samples``
            (``PoseDataSample``).
        """
        if 'mirror' in results:
            raise UserError(
                'RandomMirror needs LoadPersonCrop after it, which mirrors; with '
                'TopdownAffine use RandomFlip'
            )
        image = results['img']
        is_bytes = isinstance(image, np.ndarray) and image.dtype == np.uint8
        if not is_bytes or image.ndim != 3:
            packed = super().transform(results)
        else:
            # MMPose gets an empty picture: its own conversion is slow.
            packed = super().transform(dict(results, img=image[:0]))
            planes = np.empty((image.shape[2], *image.shape[:2]), np.uint8)
            cv2.split(image, list(planes))
            packed['inputs'] = torch.from_numpy(planes)
        if results.get('keypoints') is not None:
            self._pack_joints(results, packed['data_samples'])
        return packed

    @staticmethod
    def _pack_joints(results: dict, sample: PoseDataSample) -> None:
        flags = np.asarray(results['keypoints_visible'], dtype=np.float32)
        known = flags.ndim == 3
        annotated = ((flags[..., 0] if known else flags) > 0).astype(np.float32)
        visible = annotated
        if known:
            # A joint without annotation cannot be known to be visible.
            visible = (flags[..., 1] > 0).astype(np.float32) * annotated

        instances = sample.gt_instances
        instances.set_field(results['keypoints'], 'keypoints')
        instances.set_field(annotated, 'keypoints_visible')
        if known:
            instances.set_field(visible, 'keypoints_unoccluded')
        else:
            name = results.get('dataset_name', 'without a name')
            sample.set_field(name, 'visibility_unknown_in', field_type='metainfo')

        labels = sample.gt_instance_labels
        in_input = np.asarray(results['transformed_keypoints'], dtype=np.float32)
        labels.set_field(in_input, 'keypoints')
        labels.set_field(annotated, 'keypoints_annotated')
        labels.set_field(visible, 'keypoints_unoccluded')
