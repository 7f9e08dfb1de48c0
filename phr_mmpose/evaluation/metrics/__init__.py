"""Metrics for MMPose's evaluator."""

from phr_mmpose.evaluation.metrics.lsp_pck import LspPCKAccuracy
from phr_mmpose.evaluation.metrics.mpii_pckh import MpiiPCKhAccuracy
from phr_mmpose.evaluation.metrics.visibility_auc import VisibilityAUC

__all__ = ['LspPCKAccuracy', 'MpiiPCKhAccuracy', 'VisibilityAUC']
