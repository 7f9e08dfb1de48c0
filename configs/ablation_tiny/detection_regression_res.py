# Table 5, row 1: the tiny residual cascade, on LSP.
_base_ = '../phr_tiny_lsp.py'
row = dict(place=1, title='Part heatmap regression (Res)')
