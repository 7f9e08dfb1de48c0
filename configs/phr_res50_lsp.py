# A lighter detector on LSP and the extended training set, from ImageNet weights, all
# stages in one run: made for an hour of one GPU, in bfloat16.
_base_ = 'phr_res152_lsp_lspet.py'

model = dict(
    backbone=dict(depth=50, init_cfg=dict(checkpoint='torchvision://resnet50'))
)

stages = [
    dict(
        name='detector',
        trains=['detector'],
        epochs=30,
        lr=dict(policy='cosine', start=1e-3, end=1e-4, warmup=200),
    ),
    dict(
        name='regressor',
        trains=['refiner'],
        epochs=10,
        lr=dict(policy='cosine', start=1e-3, end=1e-4, warmup=100),
    ),
    dict(
        name='joint',
        trains=['detector', 'refiner'],
        epochs=20,
        lr=dict(policy='cosine', start=3e-4, end=1e-6, warmup=100),
    ),
]
optim_wrapper = dict(
    type='BFloat16OptimWrapper',
    optimizer=dict(_delete_=True, type='FusedAdamW', lr=1e-3, weight_decay=0.01),
)
auto_scale_lr = dict(base_batch_size=64)
train_dataloader = dict(batch_size=64, num_workers=8)
