"""Building blocks of detector heads and refiners."""

from phr_mmpose.models.layers.bilinear_deconv import BilinearDeconv2d
from phr_mmpose.models.layers.part_scores import build_part_scores
from phr_mmpose.models.layers.preact_bottleneck import PreActBottleneck

__all__ = ['BilinearDeconv2d', 'PreActBottleneck', 'build_part_scores']
