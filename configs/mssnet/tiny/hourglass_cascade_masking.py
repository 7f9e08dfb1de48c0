# The same with keypoint masking from the first stage on, as in cascade_masking.py.
_base_ = 'hourglass_cascade.py'
row = dict(place=12, title='Cascade on hourglasses + keypoint masking')
train_pipeline = [
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomMirror'),
    dict(type='RandomScaleRotation', scale=(0.8, 1.25), rotation=40.0),
    dict(type='LoadPersonCrop', input_size=_base_.input_size),
    dict(type='KeypointMasking'),
    dict(type='PackCascadeInputs', meta_keys=('img_path',)),
]
train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
