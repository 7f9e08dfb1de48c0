# Newell's eight stacks on MPII, from random weights. The paper drops its rate of
# 2.5e-4 once to a fifth where validation stands still, and does not give epochs: 100,
# and the drop at 80, are a choice.
_base_ = ['_base_/runtime.py', '_base_/hourglass.py', '_base_/mpii.py']

# Without it RMSprop's first steps are ten times as long (see schedule_paper.py).
warmup = dict(type='LinearLR', start_factor=1e-3, by_epoch=False, end=200)
default_hooks = dict(
    param_scheduler=dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=100,
                lr=2.5e-4,
                param_scheduler=[
                    warmup,
                    dict(type='MultiStepLR', milestones=[80], gamma=0.2),
                ],
            )
        ],
    )
)
train_cfg = dict(max_epochs=100)
optim_wrapper = dict(optimizer=dict(type='RMSprop', lr=2.5e-4, alpha=0.99, eps=1e-8))
auto_scale_lr = dict(base_batch_size=8)

train_dataloader = dict(batch_size=8, dataset=dict(pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=_base_.test_pipeline))
test_dataloader = val_dataloader
