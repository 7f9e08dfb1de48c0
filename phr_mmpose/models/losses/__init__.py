"""The two losses of the cascade, and one of joints with their neighbours."""

from phr_mmpose.models.losses.confidence_mse_loss import ConfidenceMSELoss
from phr_mmpose.models.losses.sigmoid_cross_entropy_loss import (
    SigmoidCrossEntropyLoss,
)
from phr_mmpose.models.losses.structure_aware_loss import StructureAwareLoss

__all__ = ['ConfidenceMSELoss', 'SigmoidCrossEntropyLoss', 'StructureAwareLoss']
