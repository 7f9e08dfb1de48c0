# The paper's LSP protocol: all of the cascade, fine-tuned from an MPII checkpoint
# (--load-from work_dirs/phr_res152_mpii/stage_joint.pth) for 30 epochs on LSP's
# 1,000 training photos, in MPII's joints; pelvis and thorax, which LSP lacks, have
# no loss.
_base_ = [
    '_base_/schedule_finetune.py',
    '_base_/cascade_res152.py',
    '_base_/lsp.py',
]

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
