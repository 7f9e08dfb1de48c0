"""Predicted joints, in pixels of the photos, on the samples that they belong to."""

from collections.abc import Mapping

import numpy as np
import torch
from mmengine.structures import InstanceData

from phr_mmpose.models.heads.map_head import PredictedJoints
from phr_mmpose.models.pose_estimators.photo_pixels import to_photo_pixels


def add_joints(joints: PredictedJoints, samples: list, test_cfg: Mapping) -> list:
    """Do for a batch what MMPose's ``add_pred_to_datasample`` does for each sample.

    Args:
        joints (PredictedJoints): Of the B samples.
        samples (list[PoseDataSample]): The samples.
        test_cfg (Mapping): May have ``output_keypoint_indices``, the joints to
            keep.

    Returns:
        list[PoseDataSample]: The samples, see
        :meth:`CascadePoseEstimator.predict`.
    """
    keypoints = to_photo_pixels(joints.keypoints, samples)
    chosen = test_cfg.get('output_keypoint_indices')
    count = keypoints.shape[1]
    # One transfer, so that the host waits for the device once.
    packed = torch.cat((keypoints, joints.scores[..., None].to(keypoints)), dim=-1)
    packed = packed[:, None].cpu().numpy()
    if chosen is not None:
        packed = packed[:, :, chosen]
    packed = packed.astype(np.float32)
    keypoints, scores = packed[..., :2], packed[..., 2]
    for index, sample in enumerate(samples):
        sample.pred_instances = InstanceData(
            keypoints=keypoints[index],
            keypoint_scores=scores[index],
            keypoints_visible=scores[index],
            bboxes=sample.gt_instances.bboxes,
            bbox_scores=sample.gt_instances.bbox_scores,
        )
        if joints.fields is None:
            continue
        fields = joints.fields[index]
        if chosen is not None:
            for key, value in fields.all_items():
                if value.shape[0] == count:
                    fields.set_field(value[chosen], key)
        sample.pred_fields = fields
    return samples
