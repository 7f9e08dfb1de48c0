"""Hooks."""

from phr_mmpose.engine.hooks.batched_runtime_info_hook import (
    BatchedRuntimeInfoHook,
)
from phr_mmpose.engine.hooks.progress_hook import ProgressHook
from phr_mmpose.engine.hooks.staged_training_hook import StagedTrainingHook

__all__ = ['BatchedRuntimeInfoHook', 'ProgressHook', 'StagedTrainingHook']
