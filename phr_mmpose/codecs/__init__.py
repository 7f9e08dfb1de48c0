"""Codecs: targets of the detector and the refiner, and their decoding."""

from phr_mmpose.codecs.binary_disc import BinaryDisc
from phr_mmpose.codecs.gaussian_confidence import GaussianConfidence
from phr_mmpose.codecs.positive_confidence import PositiveConfidence

__all__ = ['BinaryDisc', 'GaussianConfidence', 'PositiveConfidence']
