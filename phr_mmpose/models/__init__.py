"""Models: losses, refiners, heads and the estimator, registered in MMPose."""

from phr_mmpose.models.heads import CascadeHeatmapRegressionHead, PartDetectorHead
from phr_mmpose.models.losses import ConfidenceMSELoss, SigmoidCrossEntropyLoss
from phr_mmpose.models.pose_estimators import CascadePoseEstimator
from phr_mmpose.models.refiners import HourglassRefiner
from phr_mmpose.models.torch7 import ReleasedPoseEstimator, Torch7Graph

__all__ = [
    'CascadeHeatmapRegressionHead',
    'CascadePoseEstimator',
    'ConfidenceMSELoss',
    'HourglassRefiner',
    'PartDetectorHead',
    'ReleasedPoseEstimator',
    'SigmoidCrossEntropyLoss',
    'Torch7Graph',
]
