"""Torch7's ``nn`` networks as torch modules, and into this project's cascade."""

from phr_mmpose.models.torch7.cascade_weights import (
    CascadeMatch,
    largest_difference,
    match_cascade,
)
from phr_mmpose.models.torch7.conversion import convert
from phr_mmpose.models.torch7.estimator import ReleasedPoseEstimator
from phr_mmpose.models.torch7.graph import Torch7Graph

__all__ = [
    'CascadeMatch',
    'ReleasedPoseEstimator',
    'Torch7Graph',
    'convert',
    'largest_difference',
    'match_cascade',
]
