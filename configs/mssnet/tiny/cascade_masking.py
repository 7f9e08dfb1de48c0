# The cascade with keypoint masking from the first stage on: its detector learns there
# which joints are hidden, as the labels of the extended training set do not say.
_base_ = 'cascade.py'
row = dict(place=8, title='Cascade + keypoint masking')
train_pipeline = [
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomMirror'),
    dict(type='RandomScaleRotation', scale=(0.8, 1.25), rotation=40.0),
    dict(type='LoadPersonCrop', input_size=_base_.input_size),
    dict(type='KeypointMasking'),
    dict(type='PackCascadeInputs', meta_keys=('img_path',)),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
