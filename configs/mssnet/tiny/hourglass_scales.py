# + multi-scale supervision: each stack scores at a half, a quarter and an eighth of the
# heatmaps' size, too.
_base_ = 'hourglass.py'
row = dict(place=2, title='+ multi-scale supervision')
model = dict(backbone=dict(num_scales=4), head=dict(detector=dict(num_scales=4)))
