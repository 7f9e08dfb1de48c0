"""Backbones that MMPose does not have."""

from phr_mmpose.models.backbones.efficientnet_lite_init import EfficientNetLiteInit
from phr_mmpose.models.backbones.fully_convolutional_vgg import FullyConvolutionalVGG
from phr_mmpose.models.backbones.stacked_hourglass import StackedHourglass
from phr_mmpose.models.backbones.timm_backbone import TIMMBackbone

__all__ = [
    'EfficientNetLiteInit',
    'FullyConvolutionalVGG',
    'StackedHourglass',
    'TIMMBackbone',
]
