# The same with keypoint masking from the first stage on, as in cascade_masking.py.
_base_ = 'hourglass_cascade.py'
row = dict(place=12, title='Cascade on hourglasses + keypoint masking')
train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type='KeypointMasking'),
    _base_.train_pipeline[-1],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
