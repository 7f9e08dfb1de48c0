# + multi-scale regression: a refiner reads the last stack's heatmaps of all sizes and
# its features. All trains together, as without it.
_base_ = 'hourglass_scales.py'
row = dict(place=3, title='+ multi-scale regression')
model = dict(
    head=dict(
        refiner=dict(_delete_=True, type='MultiScaleRefiner', width=64, depth=3),
        feature_index=-2,
        feature_channels=64,
        refiner_codec=_base_.model.head.detector_codec,
        loss_refiner=_base_.model.head.loss_detector,
    )
)
default_hooks = dict(
    param_scheduler=dict(
        stages=[
            dict(
                _base_.default_hooks.param_scheduler.stages[0],
                name='joint',
                trains=['detector', 'refiner'],
            )
        ]
    )
)
