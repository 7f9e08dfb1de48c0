"""Backbones that MMPose does not have."""

from phr_mmpose.models.backbones.fully_convolutional_vgg import FullyConvolutionalVGG

__all__ = ['FullyConvolutionalVGG']
