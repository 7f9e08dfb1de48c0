"""Convolutional part heatmap regression (ECCV 2016) for MMPose 1.x."""

__version__ = '0.1.0'
