# The paper's VGG-FCN cascade (section 3.1, Tables 1 and 2): 380 px with bodies of
# 300 px, scores at strides 8, 16 and 32, the refiner of large kernels. Disc and
# Gaussian grow with the body: 15 and 7.4 px of this grid.
_base_ = './cascade_res152.py'
input_size = (380, 380)
# The annotation's box is as high as the body.
padding = 380 / 300
train_pipeline = [
    dict(type='GetBBoxCenterScale', padding=padding),
    dict(type='RandomMirror'),
    dict(type='RandomScaleRotation', scale=(0.7, 1.3), rotation=40.0),
    dict(type='LoadPersonCrop', input_size=input_size),
    dict(type='PackCascadeInputs', meta_keys=('img_path',)),
]
test_pipeline = [
    dict(type='CheckedLoadImage'),
    dict(type='GetBBoxCenterScale', padding=padding),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackCascadeInputs'),
]

model = dict(
    backbone=dict(
        _delete_=True,
        type='FullyConvolutionalVGG',
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://vgg16'),
    ),
    head=dict(
        input_size=input_size,
        detector=dict(
            _delete_=True, type='FCNPartDetectorHead', in_channels=(256, 512, 4096)
        ),
        refiner=dict(_delete_=True, type='ConvRefiner'),
    ),
)
