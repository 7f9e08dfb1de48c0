# The paper's augmentation (section 3.1, drawn at random as in 3.2): mirroring,
# scale 0.7-1.3, rotation within 40 degrees; crops are padded with zeros. Training
# decodes photos no larger than the crop needs; a test reads them as they are.
input_size = (256, 256)

train_pipeline = [
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomMirror'),
    dict(type='RandomScaleRotation', scale=(0.7, 1.3), rotation=40.0),
    dict(type='LoadPersonCrop', input_size=input_size),
    # Training never reads meta information, and packing it takes half the time.
    dict(type='PackCascadeInputs', meta_keys=('img_path',)),
]
test_pipeline = [
    dict(type='CheckedLoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackCascadeInputs'),
]
