"""The authors' published Torch7 weights; importing it registers the models."""

import phr_mmpose  # noqa: F401  before mmpose: it lets the stack import
from projects.released_weights.models import ConfidenceHead, Torch7Network

__all__ = ['ConfidenceHead', 'Torch7Network']
