# LSP's training half and the extended training set, in LSP's 14 joints. The pipelines
# are the config's: train_dataloader = dict(dataset=dict(pipeline=...)).
_base_ = ['./lsp.py', './joints/lsp14.py']

_persons = dict(
    type='LspDataset',
    joints='lsp14',
    data_root=_base_.data_root,
    ann_file='annotations/lsp_train.json',
    data_prefix=dict(img='images/'),
    pipeline=[],
)
train_dataloader = dict(
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type='CombinedDataset',
        metainfo=_base_.dataset_info,
        datasets=[
            _persons,
            dict(
                _persons,
                type='LspetDataset',
                ann_file='annotations/lspet_train.json',
            ),
        ],
    ),
)
val_dataloader = dict(num_workers=1, dataset=dict(joints='lsp14'))
test_dataloader = val_dataloader
