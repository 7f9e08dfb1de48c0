"""Pose estimators."""

from phr_mmpose.models.pose_estimators.cascade_pose_estimator import (
    CascadePoseEstimator,
)

__all__ = ['CascadePoseEstimator']
