# Row 2 without its second regression: what a single network that is also asked for
# hidden joints finds of them.
_base_ = 'regression_regression.py'
row = dict(place=3, title='Regression only')
model = dict(head=dict(refiner=None))
default_hooks = dict(
    param_scheduler=dict(stages=_base_.default_hooks.param_scheduler.stages[:1])
)
train_cfg = dict(max_epochs=5)
