# The LSP protocol with the extended training set beside LSP's 1,000 photos: eight
# times as many persons, so an eighth of the epochs.
_base_ = 'phr_res152_lsp.py'

# After _base_: MMEngine takes an import before it for its other kind of config.
from phr_mmpose.datasets.joints import LSP_METAINFO  # noqa: E402

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

_lsp = _base_.train_dataloader.dataset
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='JoinedDataset',
        metainfo=LSP_METAINFO,
        datasets=[
            _lsp,
            dict(_lsp, type='LspetDataset', ann_file='annotations/lspet_train.json'),
        ],
    ),
)
