"""Evaluation on LSP and MPII: metrics, saved predictions, tables, curves."""

from phr_mmpose.evaluation.metrics import (
    LspPCKAccuracy,
    MpiiPCKhAccuracy,
    VisibilityAUC,
)

__all__ = ['LspPCKAccuracy', 'MpiiPCKhAccuracy', 'VisibilityAUC']
