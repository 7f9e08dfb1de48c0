"""Optimizers."""

from phr_mmpose.engine.optimizers.fused_adamw import FusedAdamW
from phr_mmpose.engine.optimizers.fused_rmsprop import FusedRMSprop

__all__ = ['FusedAdamW', 'FusedRMSprop']
