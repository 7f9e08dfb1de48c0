"""Training loops."""

from phr_mmpose.engine.loops.staged_train_loop import StagedTrainLoop

__all__ = ['StagedTrainLoop']
