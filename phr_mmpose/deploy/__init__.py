"""Cascades as ONNX files: write them, shrink them, predict with them."""

from phr_mmpose.deploy.onnx_pose_estimator import OnnxPoseEstimator

__all__ = ['OnnxPoseEstimator']
