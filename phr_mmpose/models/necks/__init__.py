"""Necks that MMPose does not have."""

from phr_mmpose.models.necks.fusion_neck import FusionNeck

__all__ = ['FusionNeck']
