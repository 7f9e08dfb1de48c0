# + keypoint masking in a last stage: all of MSS-Net. As many epochs in all.
_base_ = 'hourglass_structure.py'
row = dict(place=5, title='+ keypoint masking (MSS-Net)')
_warm_up = dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=200)
default_hooks = dict(
    param_scheduler=dict(
        stages=[
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=17,
                lr=2e-3,
                param_scheduler=[
                    _warm_up,
                    dict(
                        type='CosineAnnealingLR',
                        eta_min_ratio=0.1,
                        by_epoch=False,
                        begin=200,
                    ),
                ],
            ),
            dict(
                name='masked',
                trains=['detector', 'refiner'],
                epochs=6,
                lr=1e-3,
                param_scheduler=[
                    _warm_up,
                    dict(
                        type='CosineAnnealingLR',
                        eta_min_ratio=0.001,
                        by_epoch=False,
                        begin=200,
                    ),
                ],
            ),
        ]
    )
)
masked_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type='KeypointMasking'),
    _base_.train_pipeline[-1],
]
custom_hooks = [
    dict(
        type='mmdet.PipelineSwitchHook',
        switch_epoch=17,
        switch_pipeline=masked_pipeline,
    )
]
