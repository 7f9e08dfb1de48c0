# The LSP protocol with the extended training set beside LSP's 1,000 photos: eight
# times as many persons, so an eighth of the epochs.
_base_ = ['phr_res152_lsp.py', '_base_/joints/lsp16.py']

default_hooks = dict(
    param_scheduler=dict(
        stages=[
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=4,
                lr=2.5e-5,
                param_scheduler=[_base_.warmup],
            )
        ]
    )
)
train_cfg = dict(max_epochs=4)

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
