"""How training runs: stages, the loop, hooks, mixed precision, whole files."""

from phr_mmpose.engine import (
    atomic_backend,
    hooks,
    loops,
    optim_wrappers,
    optimizers,
)

__all__ = ['atomic_backend', 'hooks', 'loops', 'optim_wrappers', 'optimizers']
