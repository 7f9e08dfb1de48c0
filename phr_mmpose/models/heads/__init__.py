"""Heads: the detector's scoring and the cascade itself."""

from phr_mmpose.models.heads.cascade_heatmap_regression_head import (
    CascadeHeatmapRegressionHead,
)
from phr_mmpose.models.heads.fcn_part_detector_head import FCNPartDetectorHead
from phr_mmpose.models.heads.part_detector_head import PartDetectorHead

__all__ = [
    'CascadeHeatmapRegressionHead',
    'FCNPartDetectorHead',
    'PartDetectorHead',
]
