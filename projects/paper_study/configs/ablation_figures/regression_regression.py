# Row 1 with a first regression in place of the detection, occluded joints included.
_base_ = 'detection_regression.py'
row = dict(place=2, title='Regression+regression')
model = dict(
    head=dict(
        detector_codec=dict(_base_.model.head.refiner_codec, _delete_=True),
        loss_detector=dict(_base_.model.head.loss_refiner, _delete_=True),
        stack='logits',
        # A prior is for what goes through a sigmoid; confidence begins at 0.
        detector=dict(prior=0.5),
    )
)
