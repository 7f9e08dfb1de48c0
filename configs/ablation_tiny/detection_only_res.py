# Table 5, row 3: row 1 without its regressor.
_base_ = 'detection_regression_res.py'
row = dict(place=3, title='Detection only (Res)')
model = dict(head=dict(refiner=None))
stages = _base_.stages[:1]
