# MSS-Net (Ke et al., ECCV 2018) at its paper's size: Newell's eight stacks with
# supervision at four sizes, a regression over them after the last stack, the
# structure-aware loss in both, and keypoint masking in a last stage. The rates, and
# how long it is fine-tuned with masking, are choices.
_base_ = '../hourglass8_mpii.py'

_loss = dict(
    type='StructureAwareLoss',
    metainfo='MpiiPartDataset',
    loss=dict(type='ConfidenceMSELoss', reduction='sum'),
)
model = dict(
    backbone=dict(num_scales=4),
    head=dict(
        detector=dict(num_scales=4),
        refiner=dict(_delete_=True, type='MultiScaleRefiner'),
        # The last stack's features, beside the heatmaps.
        feature_index=-2,
        feature_channels=256,
        refiner_codec=_base_.model.head.detector_codec,
        loss_detector=dict(_loss, _delete_=True),
        loss_refiner=_loss,
    ),
)

default_hooks = dict(
    param_scheduler=dict(
        stages=[
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=100,
                lr=2.5e-4,
                param_scheduler=[
                    _base_.warmup,
                    dict(type='MultiStepLR', milestones=[80], gamma=0.2),
                ],
            ),
            dict(
                name='masked',
                trains=['detector', 'refiner'],
                epochs=20,
                lr=5e-5,
                param_scheduler=[_base_.warmup],
            ),
        ]
    )
)
train_cfg = dict(max_epochs=120)

masked_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type='KeypointMasking'),
    _base_.train_pipeline[-1],
]
custom_hooks = [
    dict(
        type='mmdet.PipelineSwitchHook',
        switch_epoch=100,
        switch_pipeline=masked_pipeline,
    )
]
