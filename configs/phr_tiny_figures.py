# The demo: the tiny cascade on drawn figures, at 64 px so that it learns them in
# a few minutes on two CPU cores. Nobody turns the back to the camera: to tell left
# from right there takes longer. Figures fill their boxes in training as in the test,
# so augmentation is milder than the paper's.
_base_ = ['_base_/runtime.py', '_base_/cascade_tiny.py', '_base_/figures.py']

input_size = (64, 64)
_mild = {
    'LoadPersonCrop': dict(input_size=input_size),
    'TopdownAffine': dict(input_size=input_size),
    'RandomScaleRotation': dict(scale=(0.85, 1.15), rotation=10.0),
}
train_pipeline = [dict(t, **_mild.get(t['type'], {})) for t in _base_.train_pipeline]
test_pipeline = [dict(t, **_mild.get(t['type'], {})) for t in _base_.test_pipeline]

model = dict(head=dict(input_size=input_size, heatmap_size=(32, 32)))

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
optim_wrapper = dict(optimizer=dict(type='FusedAdamW', lr=2e-3, weight_decay=0.01))
train_cfg = dict(val_interval=8)
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='StagedTrainingHook'),
    dict(type='ProgressHook'),
]

# Small batches, since a short schedule lacks steps rather than samples.
auto_scale_lr = dict(base_batch_size=16)
train_dataloader = dict(
    batch_size=16, dataset=dict(pipeline=train_pipeline, back_views=0.0)
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, back_views=0.0))
test_dataloader = val_dataloader
