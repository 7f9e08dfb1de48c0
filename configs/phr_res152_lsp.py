# The paper's LSP protocol: all of the cascade, fine-tuned from an MPII checkpoint
# (--load-from work_dirs/phr_res152_mpii/stage_joint.pth) for 30 epochs on LSP's
# 1,000 training photos, in MPII's joints; pelvis and thorax, which LSP lacks, have
# no loss.
_base_ = ['_base_/runtime.py', '_base_/cascade_res152.py', '_base_/lsp.py']

stages = [
    dict(name='joint', trains=['detector', 'refiner'], epochs=30, lr=2.5e-5),
]
optim_wrapper = dict(
    optimizer=dict(type='FusedRMSprop', lr=2.5e-5, alpha=0.99, eps=1e-8)
)

auto_scale_lr = dict(base_batch_size=8)
train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
