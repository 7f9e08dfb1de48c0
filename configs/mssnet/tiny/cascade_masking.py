# The cascade with keypoint masking from the first stage on: its detector learns there
# which joints are hidden, as the labels of the extended training set do not say.
_base_ = 'cascade.py'
row = dict(place=8, title='Cascade + keypoint masking')
train_pipeline = [
    *_base_.train_pipeline[:-1],
    dict(type='KeypointMasking'),
    _base_.train_pipeline[-1],
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
