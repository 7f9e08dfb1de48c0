# A lighter detector on LSP and the extended training set, from ImageNet weights, all
# stages in one run: made for an hour of one GPU, in bfloat16.
_base_ = 'phr_res152_lsp_lspet.py'

model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='torchvision://resnet50'))
)

# Each stage begins gently, on weights that another has trained: its optimizer is
# empty, and the first steps of an empty AdamW are full steps in noisy directions.
default_hooks = dict(
    param_scheduler=dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=30,
                lr=1e-3,
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
                epochs=10,
                lr=1e-3,
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
                epochs=20,
                lr=3e-4,
                param_scheduler=[
                    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=100),
                    dict(
                        type='CosineAnnealingLR',
                        eta_min_ratio=1 / 300,
                        by_epoch=False,
                        begin=100,
                    ),
                ],
            ),
        ],
    )
)
train_cfg = dict(max_epochs=60)
optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    optimizer=dict(_delete_=True, type='AdamW', lr=1e-3, weight_decay=0.01),
)
auto_scale_lr = dict(base_batch_size=64)
train_dataloader = dict(batch_size=64, num_workers=8)
