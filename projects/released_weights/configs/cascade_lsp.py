# The authors' published weights on LSP: human_pose_lsp.t7, converted by
# projects/released_weights/convert.py. The crop is theirs, 178 px about the picture's
# centre.
_base_ = [
    # To train them further (--load-from).
    '../../../configs/_base_/schedule_finetune.py',
    './_base_/cascade.py',
    '../../../configs/_base_/lsp.py',
]

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
