# The paper's LSP protocol: all of a trained cascade for 30 epochs, at the rate of
# the last stage before.
_base_ = './runtime.py'

# Without it RMSprop's first steps are ten times as long (see schedule_paper.py).
warmup = dict(type='LinearLR', start_factor=1e-3, by_epoch=False, end=200)

default_hooks = dict(
    param_scheduler=dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='joint',
                trains=['detector', 'refiner'],
                epochs=30,
                lr=2.5e-5,
                param_scheduler=[warmup],
            )
        ],
    )
)
train_cfg = dict(max_epochs=30)
optim_wrapper = dict(optimizer=dict(type='RMSprop', lr=2.5e-5, alpha=0.99, eps=1e-8))
auto_scale_lr = dict(base_batch_size=8)
