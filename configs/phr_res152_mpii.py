# The paper's model, data and schedule: MPII, 256 px, ResNet-152 from ImageNet.
_base_ = [
    '_base_/schedule_paper.py',
    '_base_/cascade_res152.py',
    '_base_/mpii.py',
]

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
