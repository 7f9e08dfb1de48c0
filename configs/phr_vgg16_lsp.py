# The VGG variant by the paper's LSP protocol: fine-tuned from an MPII checkpoint
# (--load-from work_dirs/phr_vgg16_mpii/stage_joint.pth) for 10 epochs on LSP's 1,000
# training photos; pelvis and thorax, which LSP lacks, have no loss.
_base_ = [
    '_base_/schedule_paper_vgg.py',
    '_base_/cascade_vgg16.py',
    '_base_/lsp.py',
]
default_hooks = dict(
    param_scheduler=dict(stages=_base_.default_hooks.param_scheduler.stages[-1:])
)
train_cfg = dict(max_epochs=10)

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
