"""Refiners: the cascade's second part, from stacked heatmaps to confidence maps."""

from phr_mmpose.models.refiners.conv_refiner import ConvRefiner
from phr_mmpose.models.refiners.hourglass_refiner import HourglassRefiner
from phr_mmpose.models.refiners.multi_scale_refiner import MultiScaleRefiner

__all__ = ['ConvRefiner', 'HourglassRefiner', 'MultiScaleRefiner']
