"""How training runs: stages, hooks, mixed precision, whole files."""

from phr_mmpose.engine import atomic_backend, hooks, optim_wrappers

__all__ = ['atomic_backend', 'hooks', 'optim_wrappers']
