# Table 5, row 1: the paper's residual cascade.
_base_ = '../../../../configs/phr_res152_mpii.py'
row = dict(place=1, title='Part heatmap regression (Res)')
