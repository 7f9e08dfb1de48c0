"""Codecs: targets of the detector and the regressor, and their decoding."""

from phr_mmpose.codecs.binary_disc import BinaryDisc
from phr_mmpose.codecs.gaussian_confidence import GaussianConfidence

__all__ = ['BinaryDisc', 'GaussianConfidence']
