"""Persons cropped once, kept in one file per annotation list."""

from phr_mmpose.datasets.crops.cache import CropCache
from phr_mmpose.datasets.crops.plan import CropGeometry, CropPlan

__all__ = ['CropCache', 'CropGeometry', 'CropPlan']
