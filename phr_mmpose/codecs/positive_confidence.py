"""The decoding of the authors' published demo."""

from mmpose.registry import KEYPOINT_CODECS
from torch import Tensor

from phr_mmpose.codecs.gaussian_confidence import GaussianConfidence


@KEYPOINT_CODECS.register_module()
class PositiveConfidence(GaussianConfidence):
    """Gaussian confidence maps whose negative values count as zero.

    The demo does so after it has averaged the maps of the image and its mirror
    image. A map without any positive value has its joint in the first pixel,
    with confidence 0. Arguments are those of :class:`GaussianConfidence`.
    """

    def decode_batch(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Take the arg-max; see :meth:`GaussianConfidence.decode_batch`."""
        return super().decode_batch(maps.clamp(min=0))
