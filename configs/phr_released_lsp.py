# The authors' published weights on LSP: human_pose_lsp.t7, converted by
# tools/convert_torch7.py. The crop is theirs, 178 px about the picture's centre.
_base_ = [
    # To train them further (--load-from), where they match the cascade.
    '_base_/schedule_finetune.py',
    '_base_/cascade_released.py',
    '_base_/lsp.py',
]

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
