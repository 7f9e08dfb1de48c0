# The paper's residual cascade (section 3.2, Tables 3 and 4): ResNet-152 at
# stride 16, the refiner in the graph of the released weights, maps at the
# input's resolution.
_base_ = './pipelines.py'

model = dict(
    type='CascadePoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type='ResNet',
        depth=152,
        strides=(1, 2, 2, 1),
        init_cfg=dict(type='Pretrained', checkpoint='torchvision://resnet152'),
    ),
    head=dict(
        type='CascadeHeatmapRegressionHead',
        input_size=_base_.input_size,
        out_channels=16,
        detector=dict(type='PartDetectorHead', in_channels=2048),
        refiner=dict(type='HourglassRefiner', graph='released'),
        detector_codec=dict(type='BinaryDisc'),
        refiner_codec=dict(type='GaussianConfidence'),
        # Eqs. 1 and 2 sum over pixels. Of a mean the gradients are so small that
        # RMSprop's eps shortens the refiner's steps.
        loss_detector=dict(type='SigmoidCrossEntropyLoss', reduction='sum'),
        loss_refiner=dict(type='ConfidenceMSELoss', reduction='sum'),
    ),
    test_cfg=dict(flip_test=True),
)
