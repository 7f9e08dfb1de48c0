"""Hooks."""

from phr_mmpose.engine.hooks.atomic_checkpoint_hook import AtomicCheckpointHook
from phr_mmpose.engine.hooks.batched_runtime_info_hook import (
    BatchedRuntimeInfoHook,
)
from phr_mmpose.engine.hooks.progress_hook import ProgressHook
from phr_mmpose.engine.hooks.staged_training_hook import StagedTrainingHook

__all__ = [
    'AtomicCheckpointHook',
    'BatchedRuntimeInfoHook',
    'ProgressHook',
    'StagedTrainingHook',
]
