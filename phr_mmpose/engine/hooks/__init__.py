"""Hooks."""

from phr_mmpose.engine.hooks.progress_hook import ProgressHook
from phr_mmpose.engine.hooks.staged_training_hook import StagedTrainingHook

__all__ = ['ProgressHook', 'StagedTrainingHook']
