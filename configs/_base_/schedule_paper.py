# The paper's three stages (section 3.2). Its rate for the third is not given:
# the second's last. RMSprop as in the same group's published code: no momentum,
# no weight decay.
_base_ = './runtime.py'

# Each stage begins with an empty optimizer, whose first step RMSprop makes ten times
# as long as the rate says (1 / sqrt(1 - alpha)): at 1e-3 that one step undoes much of
# what the stage before has learned. Two hundred small steps fill the average first.
warmup = dict(type='LinearLR', start_factor=1e-3, by_epoch=False, end=200)

default_hooks = dict(
    param_scheduler=dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=50,
                lr=1e-3,
                # To 2.5e-5 in the last epoch.
                param_scheduler=[
                    warmup,
                    dict(type='ExponentialLR', gamma=0.025 ** (1 / 49)),
                ],
            ),
            dict(
                name='refiner',
                trains=['refiner'],
                epochs=40,
                lr=1e-4,
                # To 2.5e-5 for the second half.
                param_scheduler=[
                    warmup,
                    dict(type='MultiStepLR', milestones=[20], gamma=0.25),
                ],
            ),
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=50,
                lr=2.5e-5,
                param_scheduler=[warmup],
            ),
        ],
    )
)
train_cfg = dict(max_epochs=140)
optim_wrapper = dict(optimizer=dict(type='RMSprop', lr=1e-3, alpha=0.99, eps=1e-8))
auto_scale_lr = dict(base_batch_size=8)
