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
    # Only where a patch has hidden a joint has the sample a second flag for each,
    # if the data does not know what is hidden.
    known = any(each.ndim == 2 for each in flags)
    pairs = [e if e.ndim == 2 else np.stack((e, e), axis=-1) for e in flags]
    annotated, visible = np.moveaxis(np.stack(pairs) > 0, -1, 0)
    joints = np.stack(joints)
    return RatedPoses(
        pred=joints,
        gt=joints,
        annotated=annotated,
        visible=annotated & visible if known else None,
        head_size=np.array(sizes),
    )
