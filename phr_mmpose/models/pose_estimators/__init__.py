"""Pose estimators."""

from phr_mmpose.models.pose_estimators.cascade_pose_estimator import (
    CascadePoseEstimator,
)
from phr_mmpose.models.pose_estimators.onnx_pose_estimator import OnnxPoseEstimator

__all__ = ['CascadePoseEstimator', 'OnnxPoseEstimator']
