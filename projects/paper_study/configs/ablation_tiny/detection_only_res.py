# Table 5, row 3: row 1 without its refiner.
_base_ = 'detection_regression_res.py'
row = dict(place=3, title='Detection only (Res)')
model = dict(head=dict(refiner=None))
default_hooks = dict(
    param_scheduler=dict(stages=_base_.default_hooks.param_scheduler.stages[:1])
)
train_cfg = dict(max_epochs=14)
