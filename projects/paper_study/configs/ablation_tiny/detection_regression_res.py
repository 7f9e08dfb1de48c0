# Table 5, row 1: the tiny residual cascade, on LSP, at half its width, so that all rows
# and seeds fit in two hours of two CPU cores.
_base_ = '../../../../configs/phr_tiny_lsp.py'
row = dict(place=1, title='Part heatmap regression (Res)')
model = dict(
    backbone=dict(base_channels=16, stem_channels=16),
    head=dict(detector=dict(in_channels=32 + 64 + 128), refiner=dict(width=32)),
)
