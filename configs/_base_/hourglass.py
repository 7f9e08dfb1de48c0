# Stacked hourglasses (Newell et al., ECCV 2016) at their paper's size: eight stacks,
# supervised each, heatmaps at a quarter of the input. They regress every annotated
# joint at once: a cascade's detector with the refiner's targets, without a refiner.
input_size = (256, 256)

train_pipeline = [
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomMirror'),
    dict(type='RandomScaleRotation', scale=(0.75, 1.25), rotation=30.0),
    dict(type='LoadPersonCrop', input_size=input_size),
    dict(type='PackCascadeInputs', meta_keys=('img_path',)),
]
test_pipeline = [
    dict(type='CheckedLoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(type='TopdownAffine', input_size=input_size),
    dict(type='PackCascadeInputs'),
]

model = dict(
    type='CascadePoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    backbone=dict(type='StackedHourglass', num_stacks=8, out_channels=16),
    head=dict(
        type='CascadeHeatmapRegressionHead',
        input_size=input_size,
        heatmap_size=(64, 64),
        out_channels=16,
        detector=dict(type='StackedDetectorHead'),
        refiner=None,
        detector_codec=dict(type='GaussianConfidence', sigma=1.0, refinement='quarter'),
        # Summed over pixels, a heatmap of any size weighs alike, and RMSprop's eps
        # does not shorten the steps.
        loss_detector=dict(type='ConfidenceMSELoss', reduction='sum'),
        stack='logits',
    ),
    test_cfg=dict(flip_test=True),
)
