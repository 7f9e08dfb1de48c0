# The authors' published weights on MPII: human_pose_mpii.t7, converted by
# tools/convert_torch7.py. The crop is MPII's usual one (docs/released.md).
_base_ = [
    # To train them further (--load-from), where they match the cascade.
    '_base_/schedule_finetune.py',
    '_base_/cascade_released.py',
    '_base_/mpii.py',
]

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
