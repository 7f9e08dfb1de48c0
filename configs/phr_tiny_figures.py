# The demo: the tiny cascade on drawn figures, at 64 px so that it learns them in
# a few minutes on two CPU cores. Nobody turns the back to the camera: to tell left
# from right there takes longer. Figures fill their boxes in training as in the test,
# so augmentation is milder than the paper's.
_base_ = ['_base_/runtime.py', '_base_/cascade_tiny.py', '_base_/figures.py']

input_size = (64, 64)
train_pipeline = [
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomMirror'),
    dict(type='RandomScaleRotation', scale=(0.85, 1.15), rotation=10.0),
    dict(type='LoadPersonCrop', input_size=input_size),
    dict(type='PackCascadeInputs', meta_keys=('img_path',)),
]
test_pipeline = [
    dict(type='CheckedLoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackCascadeInputs'),
]

model = dict(head=dict(input_size=input_size, heatmap_size=(32, 32)))

# Each stage begins gently, on weights that another has trained: its optimizer is
# empty, and the first steps of an empty AdamW are full steps in noisy directions.
default_hooks = dict(
    progress=dict(type='ProgressHook'),
    param_scheduler=dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=5,
                lr=2e-3,
                param_scheduler=[
                    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=100),
                    dict(
                        type='CosineAnnealingLR',
                        eta_min_ratio=0.25,
                        by_epoch=False,
                        begin=100,
                    ),
                ],
            ),
            dict(
                name='refiner',
                trains=['refiner'],
                epochs=1,
                lr=2e-3,
                param_scheduler=[
                    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=50),
                    dict(
                        type='CosineAnnealingLR',
                        eta_min_ratio=0.5,
                        by_epoch=False,
                        begin=50,
                    ),
                ],
            ),
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=2,
                lr=1e-3,
                param_scheduler=[
                    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=50),
                    dict(
                        type='CosineAnnealingLR',
                        eta_min_ratio=0.001,
                        by_epoch=False,
                        begin=50,
                    ),
                ],
            ),
        ],
    ),
)
train_cfg = dict(max_epochs=8, val_interval=8)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01))
auto_scale_lr = dict(base_batch_size=16)

# Small batches, since a short schedule lacks steps rather than samples.
train_dataloader = dict(
    batch_size=16, dataset=dict(pipeline=train_pipeline, back_views=0.0)
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline, back_views=0.0))
test_dataloader = val_dataloader
