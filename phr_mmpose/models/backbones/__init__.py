"""Backbones that MMPose does not have."""

from phr_mmpose.models.backbones.fully_convolutional_vgg import FullyConvolutionalVGG
from phr_mmpose.models.backbones.onnx_maps import OnnxMaps

__all__ = ['FullyConvolutionalVGG', 'OnnxMaps']
