# LSP's training half and the extended training set, in LSP's 14 joints, without the
# last 200 photos of the former, on which choices are made. The config puts them in:
# train_dataloader = dict(dataset=dict(datasets=_base_.training_sets)),
# val_dataloader = dict(dataset=_base_.held_out).
_training_half = dict(
    type='LspDataset',
    joints='lsp14',
    data_root='data/lsp/',
    ann_file='annotations/lsp_train.json',
    data_prefix=dict(img='images/'),
    pipeline=[],
)
training_sets = [
    dict(_training_half, indices=800),
    dict(_training_half, type='LspetDataset', ann_file='annotations/lspet_train.json'),
]
held_out = dict(ann_file='annotations/lsp_train.json', indices=-200)
