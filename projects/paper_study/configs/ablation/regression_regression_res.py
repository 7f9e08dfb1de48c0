# Table 5, row 5: row 1 with a first regression in place of the detection. It has
# the second's target, occluded joints included, and its loss; its confidence maps
# are stacked as they are.
_base_ = 'detection_regression_res.py'
row = dict(place=5, title='Regression+regression (Res)')
model = dict(
    head=dict(
        detector_codec=dict(_base_.model.head.refiner_codec, _delete_=True),
        loss_detector=dict(_base_.model.head.loss_refiner, _delete_=True),
        stack='logits',
    )
)
