# The authors' published weights on LSP: human_pose_lsp.t7, converted by
# tools/convert_torch7.py. The crop is theirs, 178 px about the picture's centre.
_base_ = ['_base_/runtime.py', '_base_/cascade_released.py', '_base_/lsp.py']

# To train them further (--load-from), where they match the cascade.
stages = [dict(name='joint', trains=['detector', 'refiner'], epochs=10, lr=2.5e-5)]
optim_wrapper = dict(
    optimizer=dict(type='FusedRMSprop', lr=2.5e-5, alpha=0.99, eps=1e-8)
)

auto_scale_lr = dict(base_batch_size=8)
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
