# The LSP protocol with the extended training set beside LSP's 1,000 photos: eight
# times as many persons, so an eighth of the epochs.
_base_ = ['phr_res152_lsp.py', '_base_/joints_lsp16.py']

stages = [dict(_base_.stages[0], epochs=4)]

_lsp = dict(
    type='LspDataset',
    data_root=_base_.data_root,
    ann_file='annotations/lsp_train.json',
    data_prefix=dict(img='images/'),
    pipeline=[],
)
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='CombinedDataset',
        metainfo=_base_.dataset_info,
        datasets=[
            _lsp,
            dict(_lsp, type='LspetDataset', ann_file='annotations/lspet_train.json'),
        ],
        pipeline=_base_.train_pipeline,
    ),
)
