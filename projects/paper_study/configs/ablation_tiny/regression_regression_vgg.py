# Table 5, row 6: row 2 with a first regression in place of the detection. It has
# the second's target, occluded joints included, and its loss; its confidence maps
# are stacked as they are.
_base_ = 'detection_regression_vgg.py'
row = dict(place=6, title='Regression+regression (VGG)')
model = dict(
    head=dict(
        detector_codec=dict(_base_.model.head.refiner_codec, _delete_=True),
        loss_detector=dict(_base_.model.head.loss_refiner, _delete_=True),
        stack='logits',
        # A prior is for what goes through a sigmoid; confidence begins at 0.
        detector=dict(prior=0.5),
    )
)
