# The tiny cascade on drawn figures, more of them hidden behind objects than in the
# demo: 15 % of the joints, from none to 27 % by picture, besides those that the own
# body hides. occlusion_study.py then tests it at other shares.
_base_ = '../../../../configs/phr_tiny_figures.py'
row = dict(place=1, title='Detection+regression')
train_dataloader = dict(dataset=dict(occlusion=0.15))
val_dataloader = dict(dataset=dict(occlusion=0.15))
test_dataloader = val_dataloader
