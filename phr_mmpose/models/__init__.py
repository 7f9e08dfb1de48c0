"""Models: backbones, losses, refiners, heads, the estimator; all registered."""

from phr_mmpose.models.backbones import (
    EfficientNetLiteInit,
    FullyConvolutionalVGG,
    StackedHourglass,
    TIMMBackbone,
)
from phr_mmpose.models.heads import (
    CascadeHeatmapRegressionHead,
    FCNPartDetectorHead,
    PartDetectorHead,
    StackedDetectorHead,
)
from phr_mmpose.models.losses import (
    ConfidenceMSELoss,
    SigmoidCrossEntropyLoss,
    StructureAwareLoss,
)
from phr_mmpose.models.necks import FusionNeck
from phr_mmpose.models.pose_estimators import CascadePoseEstimator
from phr_mmpose.models.refiners import (
    ConvRefiner,
    HourglassRefiner,
    MultiScaleRefiner,
)

__all__ = [
    'CascadeHeatmapRegressionHead',
    'CascadePoseEstimator',
    'ConfidenceMSELoss',
    'ConvRefiner',
    'EfficientNetLiteInit',
    'FCNPartDetectorHead',
    'FullyConvolutionalVGG',
    'FusionNeck',
    'HourglassRefiner',
    'MultiScaleRefiner',
    'PartDetectorHead',
    'SigmoidCrossEntropyLoss',
    'StackedDetectorHead',
    'StackedHourglass',
    'StructureAwareLoss',
    'TIMMBackbone',
]
