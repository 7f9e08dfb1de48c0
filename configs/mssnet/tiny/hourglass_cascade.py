# The paper's cascade with two hourglasses for its detector: they learn the visible
# joints, and the refiner of phr_tiny_lsp, whose stages these are, reads their heatmaps
# and the picture.
_base_ = ['hourglass.py']
row = dict(place=11, title='Cascade on hourglasses')
model = dict(
    # A detector of visible joints.
    backbone=dict(prior=0.01),
    head=dict(
        refiner=dict(
            _delete_=True,
            type='HourglassRefiner',
            graph='paper',
            width=64,
            depth=3,
            blocks=1,
        ),
        detector_codec=dict(_delete_=True, type='BinaryDisc'),
        refiner_codec=dict(type='GaussianConfidence', refinement='taylor'),
        loss_detector=dict(
            _delete_=True, type='SigmoidCrossEntropyLoss', reduction='sum'
        ),
        loss_refiner=_base_.model.head.loss_detector,
        stack='sigmoid',
    ),
)

_warm_up = dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=200)
_short_warm_up = dict(_warm_up, end=100)
_falling = dict(type='CosineAnnealingLR', by_epoch=False)
default_hooks = dict(
    param_scheduler=dict(
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=14,
                lr=2e-3,
                param_scheduler=[
                    _warm_up,
                    dict(_falling, eta_min_ratio=0.1, begin=200),
                ],
            ),
            dict(
                name='refiner',
                trains=['refiner'],
                epochs=3,
                lr=2e-3,
                param_scheduler=[
                    _short_warm_up,
                    dict(_falling, eta_min_ratio=0.1, begin=100),
                ],
            ),
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=6,
                lr=1e-3,
                param_scheduler=[
                    _short_warm_up,
                    dict(_falling, eta_min_ratio=0.001, begin=100),
                ],
            ),
        ]
    )
)
