"""Optimizers."""

from phr_mmpose.engine.optimizers.fused_adamw import FusedAdamW

__all__ = ['FusedAdamW']
