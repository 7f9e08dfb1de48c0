# The paper's three stages of the VGG variant (section 3.1). The two parts' rates lie
# three orders of magnitude apart, in the joint stage too, whose rates are not given:
# here each part's last. SGD as Fully Convolutional Networks, which the variant
# follows, use it.
_base_ = './runtime.py'

# A stage begins without momentum on weights that another stage has trained.
warmup = dict(type='LinearLR', start_factor=1e-3, by_epoch=False, end=200)

default_hooks = dict(
    param_scheduler=dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=20,
                lr=1e-8,
                # To 1e-9 in the last epoch.
                param_scheduler=[
                    warmup,
                    dict(type='ExponentialLR', gamma=0.1 ** (1 / 19)),
                ],
            ),
            dict(
                name='refiner',
                trains=['refiner'],
                epochs=20,
                # Times 1,000 (paramwise_cfg): 1e-5, then 1e-6.
                lr=1e-8,
                param_scheduler=[
                    warmup,
                    dict(type='MultiStepLR', milestones=[10], gamma=0.1),
                ],
            ),
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=10,
                lr=1e-9,
                param_scheduler=[warmup],
            ),
        ],
    )
)
train_cfg = dict(max_epochs=50)
optim_wrapper = dict(
    optimizer=dict(type='SGD', lr=1e-8, momentum=0.9, weight_decay=5e-4),
    paramwise_cfg=dict(custom_keys={'head.refiner': dict(lr_mult=1e3)}),
)
auto_scale_lr = dict(base_batch_size=8)
