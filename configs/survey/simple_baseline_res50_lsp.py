# The same on LSP and the extended training set, in LSP's 14 joints.
_base_ = ['simple_baseline_res50_mpii.py', '_lsp.py']
dataset_type = 'LspDataset'
data_root = 'data/lsp/'
model = dict(head=dict(out_channels=14))
# No checkpoint is chosen on the test half.
default_hooks = dict(checkpoint=dict(save_best=None, rule=None))

train_dataloader = dict(dataset=dict(_base_.lsp_train, pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(_base_.lsp_test, pipeline=_base_.val_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='LspPCKAccuracy')
test_evaluator = val_evaluator
