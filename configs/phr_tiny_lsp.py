# The tiny cascade on LSP's training half and the extended training set, from
# random weights, in LSP's 14 joints: some 50 core-minutes of a CPU.
_base_ = [
    '_base_/runtime.py',
    '_base_/cascade_tiny.py',
    '_base_/lsp.py',
    '_base_/joints_lsp14.py',
]

model = dict(head=dict(out_channels=14))

# Each stage begins gently, on weights that another has trained: its optimizer is
# empty, and the first steps of an empty AdamW are full steps in noisy directions.
default_hooks = dict(
    param_scheduler=dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=14,
                lr=2e-3,
                param_scheduler=[
                    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=200),
                    dict(
                        type='CosineAnnealingLR',
                        eta_min_ratio=0.1,
                        by_epoch=False,
                        begin=200,
                    ),
                ],
            ),
            dict(
                name='refiner',
                trains=['refiner'],
                epochs=3,
                lr=2e-3,
                param_scheduler=[
                    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=100),
                    dict(
                        type='CosineAnnealingLR',
                        eta_min_ratio=0.1,
                        by_epoch=False,
                        begin=100,
                    ),
                ],
            ),
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=6,
                lr=1e-3,
                param_scheduler=[
                    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=100),
                    dict(
                        type='CosineAnnealingLR',
                        eta_min_ratio=0.001,
                        by_epoch=False,
                        begin=100,
                    ),
                ],
            ),
        ],
    )
)
train_cfg = dict(max_epochs=23)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01))
auto_scale_lr = dict(base_batch_size=32)

_lsp = dict(
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
            _lsp,
            dict(_lsp, type='LspetDataset', ann_file='annotations/lspet_train.json'),
        ],
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    dataset=dict(joints='lsp14', pipeline=_base_.test_pipeline), num_workers=1
)
test_dataloader = val_dataloader
