"""Optimizer wrappers."""

from phr_mmpose.engine.optim_wrappers.bfloat16_optim_wrapper import (
    BFloat16OptimWrapper,
)

__all__ = ['BFloat16OptimWrapper']
