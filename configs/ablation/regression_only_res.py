# Table 5, row 4: row 5 without its second regression, that is the detection
# network of row 3 trained for direct regression.
_base_ = 'regression_regression_res.py'
row = dict(place=4, title='Regression only (Res)')
model = dict(head=dict(refiner=None))
stages = _base_.stages[:1]
