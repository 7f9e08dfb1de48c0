# LSP's training half and the extended training set in LSP's 14 joints, for configs that
# inherit from MMPose's own.
_base_ = '../_base_/joints/lsp14.py'
_lsp = dict(
    type='LspDataset',
    joints='lsp14',
    data_root='data/lsp/',
    data_prefix=dict(img='images/'),
)
lsp_train = dict(
    _delete_=True,
    type='CombinedDataset',
    metainfo=_base_.dataset_info,
    datasets=[
        dict(_lsp, ann_file='annotations/lsp_train.json', pipeline=[]),
        dict(
            _lsp,
            type='LspetDataset',
            ann_file='annotations/lspet_train.json',
            pipeline=[],
        ),
    ],
)
lsp_test = dict(
    _lsp, _delete_=True, ann_file='annotations/lsp_test.json', test_mode=True
)
