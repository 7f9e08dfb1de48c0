# The tiny cascade on LSP's training half and the extended training set, from
# random weights, in LSP's 14 joints: 47 core-minutes of a CPU with
# torch's fused optimizer (optim_wrapper.optimizer.fused=True).
_base_ = [
    '_base_/runtime.py',
    '_base_/cascade_tiny.py',
    '_base_/lsp14.py',
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

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
