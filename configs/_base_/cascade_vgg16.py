# The paper's VGG-FCN cascade (section 3.1, Tables 1 and 2): 380 px with bodies of
# 300 px, scores at strides 8, 16 and 32, the refiner of large kernels. Disc and
# Gaussian grow with the body: 15 and 7.4 px of this grid.
_base_ = './cascade_res152.py'
input_size = (380, 380)
# The annotation's box is as high as the body.
_bodies = {
    'GetBBoxCenterScale': dict(padding=380 / 300),
    'LoadPersonCrop': dict(input_size=input_size),
    'TopdownAffine': dict(input_size=input_size),
}
train_pipeline = [dict(t, **_bodies.get(t['type'], {})) for t in _base_.train_pipeline]
test_pipeline = [dict(t, **_bodies.get(t['type'], {})) for t in _base_.test_pipeline]

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
