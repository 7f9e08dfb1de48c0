# Leeds Sports Pose, prepared by tools/prepare_lsp.py into data/lsp.
_base_ = './loaders.py'
dataset_type = 'LspDataset'
data_mode = 'topdown'
data_root = 'data/lsp/'

_lsp = dict(type=dataset_type, data_root=data_root, data_prefix=dict(img='images/'))
train_dataloader = dict(dataset=dict(_lsp, ann_file='annotations/lsp_train.json'))
val_dataloader = dict(dataset=dict(_lsp, ann_file='annotations/lsp_test.json'))
test_dataloader = val_dataloader
val_evaluator = dict(type='LspPCKAccuracy')
test_evaluator = val_evaluator
