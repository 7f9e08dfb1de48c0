"""The persons of a data set, without a model."""

from collections.abc import Sequence

import numpy as np
from mmengine.registry import DefaultScope
from mmpose.registry import DATASETS

from phr_mmpose.evaluation.metrics.keypoint_pck import RatedPoses


def read_persons(dataset: dict, pipeline: Sequence[dict]) -> RatedPoses:
    """Read a data set's persons, through another pipeline than its own.

    Args:
        dataset (dict): Config of the data set.
        pipeline (Sequence[dict]): Does not pack the samples.

    Returns:
        RatedPoses: With the true joints for predictions.
    """
    with DefaultScope.overwrite_default_scope('mmpose'):
        built = DATASETS.build(dict(dataset, pipeline=list(pipeline)))
    joints, flags, sizes = [], [], []
    for sample in built:
        joints.append(sample['keypoints'][0, :, :2])
        flags.append(sample['keypoints_visible'][0])
        sizes.append(np.reshape(sample.get('head_size', np.nan), -1)[0])
    flags = np.stack(flags) > 0
    known = flags.ndim == 3
    annotated, visible = np.moveaxis(flags, -1, 0) if known else (flags, flags)
    joints = np.stack(joints)
    return RatedPoses(
        pred=joints,
        gt=joints,
        annotated=annotated,
        visible=annotated & visible if known else None,
        head_size=np.array(sizes),
    )
