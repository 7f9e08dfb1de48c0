# Table 5, row 4: row 5 without its second regression, that is the detection
# network of row 3 trained for direct regression.
_base_ = 'regression_regression_res.py'
row = dict(place=4, title='Regression only (Res)')
model = dict(head=dict(refiner=None))
default_hooks = dict(
    param_scheduler=dict(stages=_base_.default_hooks.param_scheduler.stages[:1])
)
train_cfg = dict(max_epochs=50)
