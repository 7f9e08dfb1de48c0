# Row 2 without its second regression: what a single network that is also asked for
# hidden joints finds of them.
_base_ = 'regression_regression.py'
row = dict(place=3, title='Regression only')
model = dict(head=dict(refiner=None))
stages = _base_.stages[:1]
