"""Building blocks of detector heads and refiners."""

from phr_mmpose.models.layers.bilinear_deconv import BilinearDeconv2d
from phr_mmpose.models.layers.conv_norm_relu import conv_norm_relu
from phr_mmpose.models.layers.preact_bottleneck import PreActBottleneck, residual_chain
from phr_mmpose.models.layers.score_layers import build_score_layers, start_from_prior

__all__ = [
    'BilinearDeconv2d',
    'PreActBottleneck',
    'build_score_layers',
    'conv_norm_relu',
    'residual_chain',
    'start_from_prior',
]
