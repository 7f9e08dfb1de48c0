"""A small cascade of 32 px and persons for it."""

import copy

import numpy as np
import torch
from mmengine.registry import init_default_scope
from mmengine.structures import InstanceData
from mmpose.registry import MODELS
from mmpose.structures import PoseDataSample

import phr_mmpose  # noqa: F401

PARTS = 4
SIDE = 32

HEAD = dict(
    type='CascadeHeatmapRegressionHead',
    input_size=(SIDE, SIDE),
    out_channels=PARTS,
    detector=dict(type='PartDetectorHead', in_channels=64),
    refiner=dict(type='HourglassRefiner', width=16, depth=1, blocks=1),
    detector_codec=dict(type='BinaryDisc', radius=3),
    refiner_codec=dict(type='GaussianConfidence', sigma=2),
)
MODEL = dict(
    type='CascadePoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[127.5] * 3, std=[64] * 3, bgr_to_rgb=True
    ),
    backbone=dict(type='ResNet', depth=18, base_channels=8, strides=(1, 2, 2, 1)),
    head=HEAD,
)


def head_config(**changes):
    return copy.deepcopy({**HEAD, **changes})


def build_head(**changes):
    init_default_scope('mmpose')
    return MODELS.build(head_config(**changes))


def build_model(head=None, lively=False, **changes):
    """Build the cascade, from a fixed seed.

    Args:
        head (dict, optional): Changes of the head's config.
        lively (bool): Give the zero scores values, so that maps differ.
        **changes: Of the estimator's config.
    """
    init_default_scope('mmpose')
    torch.manual_seed(0)
    config = copy.deepcopy({**MODEL, **changes})
    config['head'] = head_config(**(head or {}))
    model = MODELS.build(config)
    if lively:
        torch.nn.init.normal_(model.head.detector.score.weight)
        if model.head.refiner is not None:
            torch.nn.init.normal_(model.head.refiner.tail[-2].weight, std=0.1)
    return model


def sample(seed=0, parts=PARTS, side=SIDE, annotated=None):
    """One person with random joints; the last joint is occluded."""
    random = np.random.default_rng(seed)
    keypoints = random.uniform(0, side, (1, parts, 2)).astype(np.float32)
    flags = np.ones((1, parts), np.float32) if annotated is None else annotated
    visible = flags.copy()
    visible[0, -1] = 0
    labels = InstanceData(
        keypoints=keypoints,
        keypoints_annotated=flags,
        keypoints_unoccluded=visible,
    )
    result = PoseDataSample(gt_instance_labels=labels)
    result.gt_instances = InstanceData(
        bboxes=np.float32([[0, 0, side, side]]),
        bbox_scores=np.ones(1, np.float32),
        keypoints=keypoints,
        keypoints_visible=flags,
    )
    result.set_metainfo(
        dict(
            flip_indices=[1, 0, *range(2, parts)],
            # The crop is the picture.
            input_center=np.float32([side / 2, side / 2]),
            input_scale=np.float32([side, side]),
            input_size=(side, side),
            img_shape=(side, side),
        )
    )
    return result


def batch(count=2, side=SIDE, parts=PARTS):
    """Normalised images (count, 3, side, side) and their persons."""
    torch.manual_seed(1)
    images = torch.randn(count, 3, side, side)
    return images, [sample(seed, parts, side) for seed in range(count)]
