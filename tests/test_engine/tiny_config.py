"""A cascade that trains in seconds: 32 px, three stages of two epochs."""

default_scope = 'mmpose'
custom_imports = dict(
    imports=['phr_mmpose', 'tiny_parts'],
    allow_failed_imports=False,
)
model = dict(
    type='CascadePoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor', mean=[127.5] * 3, std=[64] * 3, bgr_to_rgb=True
    ),
    backbone=dict(type='ResNet', depth=18, base_channels=8, strides=(1, 2, 2, 1)),
    head=dict(
        type='CascadeHeatmapRegressionHead',
        detector=dict(type='PartDetectorHead', in_channels=64),
        refiner=dict(type='HourglassRefiner', width=16, depth=1, blocks=1),
        input_size=(32, 32),
        detector_codec=dict(type='BinaryDisc', radius=3),
        refiner_codec=dict(type='GaussianConfidence', sigma=2),
    ),
    test_cfg=dict(flip_test=False),
)
train_pipeline = [
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomMirror'),
    dict(type='RandomScaleRotation'),
    dict(type='LoadPersonCrop', input_size=(32, 32)),
    dict(type='PackCascadeInputs'),
]
val_pipeline = [
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=(32, 32)),
    dict(type='PackCascadeInputs'),
]
train_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='NoiseDataset', pipeline=train_pipeline),
)
val_dataloader = dict(
    batch_size=4,
    num_workers=0,
    sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='NoiseDataset', count=4, pipeline=val_pipeline, test_mode=True),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='MpiiPCKhAccuracy')
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=True, max_epochs=6, val_interval=2)
val_cfg = dict()
test_cfg = dict()
# Weight decay and momentum would both move a frozen weight that is not left alone.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.1),
    paramwise_cfg=dict(custom_keys={'backbone': dict(lr_mult=0.1)}),
)
find_unused_parameters = True

default_hooks = dict(
    logger=dict(type='LoggerHook', interval=1),
    checkpoint=dict(
        type='CheckpointHook', interval=1, backend_args=dict(backend='atomic')
    ),
    param_scheduler=dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=2,
                lr=1e-2,
                param_scheduler=[
                    dict(type='LinearLR', start_factor=0.5, by_epoch=False, end=3),
                    dict(type='ExponentialLR', gamma=0.1),
                ],
            ),
            dict(
                name='refiner',
                trains=['refiner'],
                epochs=2,
                lr=1e-2,
                param_scheduler=[dict(type='MultiStepLR', milestones=[1])],
            ),
            dict(name='joint', trains=['detector', 'refiner'], epochs=2, lr=1e-3),
        ],
    ),
)
log_processor = dict(window_size=1)
log_level = 'INFO'
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='PoseLocalVisualizer', vis_backends=vis_backends)
env_cfg = dict(dist_cfg=dict(backend='gloo'))
randomness = dict(seed=0)
