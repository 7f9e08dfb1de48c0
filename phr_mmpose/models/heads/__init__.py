"""Heads: the detector's scoring and the cascade itself."""

from phr_mmpose.models.heads.cascade_heatmap_regression_head import (
    CascadeHeatmapRegressionHead,
)
from phr_mmpose.models.heads.fcn_part_detector_head import FCNPartDetectorHead
from phr_mmpose.models.heads.part_detector_head import PartDetectorHead
from phr_mmpose.models.heads.stacked_detector_head import StackedDetectorHead

__all__ = [
    'CascadeHeatmapRegressionHead',
    'FCNPartDetectorHead',
    'PartDetectorHead',
    'StackedDetectorHead',
]
