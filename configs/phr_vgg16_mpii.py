# The paper's VGG variant on MPII: 380 px, VGG-16 from ImageNet.
_base_ = [
    '_base_/schedule_paper_vgg.py',
    '_base_/cascade_vgg16.py',
    '_base_/mpii.py',
]

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
