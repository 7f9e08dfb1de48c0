# The authors' published weights on MPII: human_pose_mpii.t7, converted by
# projects/released_weights/convert.py. The crop is MPII's usual one (README.md).
_base_ = [
    # To train them further (--load-from).
    '../../../configs/_base_/schedule_finetune.py',
    './_base_/cascade.py',
    '../../../configs/_base_/mpii.py',
]

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
