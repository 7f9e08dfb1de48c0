# + multi-scale supervision, whose coarser targets are shrunk, not drawn.
_base_ = 'hourglass_scales.py'
row = dict(place=10, title='+ multi-scale supervision, targets shrunk')
model = dict(head=dict(detector=dict(coarse_targets='shrunk')))
