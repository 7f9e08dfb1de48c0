"""Convolutional part heatmap regression (ECCV 2016) for MMPose 1.x."""

from phr_mmpose import compat

compat.prepare()

__version__ = '0.1.0'
