# A cascade that a CPU trains in hours and runs in milliseconds: the paper's
# structure on EfficientNet-Lite0, heatmaps at a quarter of the input.
input_size = (192, 192)
heatmap_size = (48, 48)

train_pipeline = [
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomMirror'),
    dict(type='RandomScaleRotation', scale=(0.75, 1.25), rotation=45.0),
    dict(type='LoadPersonCrop', input_size=input_size),
    # Shows the detector joints that are known to be hidden, which the extended
    # training set's labels do not.
    dict(type='KeypointMasking', prob=0.5, copy_prob=0.25, max_hidden=2),
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
        mean=[127.5, 127.5, 127.5],
        std=[127.5, 127.5, 127.5],
        bgr_to_rgb=True,
    ),
    backbone=dict(
        type='TIMMBackbone',
        model_name='tf_efficientnet_lite0',
        out_indices=(1, 2, 3, 4),
        # What they know of edges and textures holds for people, too: a quarter of
        # the time is saved.
        frozen_modules=('conv_stem', 'bn1', 'blocks.0', 'blocks.1'),
        init_cfg=dict(type='EfficientNetLiteInit'),
    ),
    neck=dict(type='FusionNeck', in_channels=(24, 40, 112, 320)),
    head=dict(
        type='CascadeHeatmapRegressionHead',
        input_size=input_size,
        heatmap_size=heatmap_size,
        out_channels=14,
        detector=dict(
            type='FCNPartDetectorHead',
            in_channels=(24 + 128, 40, 112, 320),
            stride=4,
            prior=0.01,
        ),
        refiner=dict(
            type='HourglassRefiner',
            graph='paper',
            width=64,
            depth=3,
            blocks=1,
            stem_kernel=3,
        ),
        # A third wider than the paper's in proportion to 48 px: cells are coarse here.
        detector_codec=dict(type='BinaryDisc', radius=2.5),
        refiner_codec=dict(type='GaussianConfidence', sigma=1.25, refinement='taylor'),
        loss_detector=dict(type='SigmoidCrossEntropyLoss'),
        # Brings the squared error, small on narrow Gaussians, to the scale of the
        # cross entropy.
        loss_refiner=dict(type='ConfidenceMSELoss', loss_weight=20.0),
    ),
    test_cfg=dict(flip_test=True),
)
