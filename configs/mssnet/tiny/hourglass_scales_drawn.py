# + multi-scale supervision, whose coarser targets are drawn, not shrunk.
_base_ = 'hourglass_scales.py'
row = dict(place=10, title='+ multi-scale supervision, targets drawn')
model = dict(head=dict(detector=dict(coarse_targets='drawn')))
