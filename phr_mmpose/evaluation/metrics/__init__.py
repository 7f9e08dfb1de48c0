"""Metrics for MMPose's evaluator."""

from phr_mmpose.evaluation.metrics.lsp_pck import LspPCKAccuracy
from phr_mmpose.evaluation.metrics.mpii_pckh import MpiiPCKhAccuracy

__all__ = ['LspPCKAccuracy', 'MpiiPCKhAccuracy']
