"""The two losses of the cascade."""

from phr_mmpose.models.losses.confidence_mse_loss import ConfidenceMSELoss
from phr_mmpose.models.losses.sigmoid_cross_entropy_loss import (
    SigmoidCrossEntropyLoss,
)

__all__ = ['ConfidenceMSELoss', 'SigmoidCrossEntropyLoss']
