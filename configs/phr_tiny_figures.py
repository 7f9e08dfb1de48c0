# The demo: the tiny cascade on drawn figures, five minutes on two CPU cores.
_base_ = ['_base_/runtime.py', '_base_/cascade_tiny.py', '_base_/figures.py']

stages = [
    dict(
        name='detector',
        trains=['detector'],
        epochs=5,
        lr=dict(policy='cosine', start=2e-3, end=5e-4, warmup=100),
    ),
    dict(
        name='regressor',
        trains=['refiner'],
        epochs=1,
        lr=dict(policy='cosine', start=2e-3, end=1e-3, warmup=50),
    ),
    dict(
        name='joint',
        trains=['detector', 'refiner'],
        epochs=2,
        lr=dict(policy='cosine', start=1e-3, end=1e-6, warmup=50),
    ),
]
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01))
train_cfg = dict(val_interval=100)
custom_hooks = [dict(type='StagedTrainingHook'), dict(type='ProgressHook')]

train_dataloader = dict(dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
