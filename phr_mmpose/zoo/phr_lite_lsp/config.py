_left = [
    0,
    255,
    0,
]
_lsp = dict(
    ann_file='annotations/lsp_train.json',
    data_prefix=dict(img='images/'),
    data_root='data/lsp/',
    indices=800,
    joints='lsp14',
    pipeline=[],
    type='LspDataset',
)
_middle = [
    51,
    153,
    255,
]
_right = [
    255,
    128,
    0,
]
_warm_up = dict(by_epoch=False, end=200, start_factor=0.01, type='LinearLR')
auto_scale_lr = dict(base_batch_size=32)
custom_hooks = [
    dict(momentum=0.002, priority=49, type='EMAHook', update_buffers=True),
]
custom_imports = dict(
    allow_failed_imports=False,
    imports=[
        'phr_mmpose',
    ],
)
data_mode = 'topdown'
data_root = 'data/lsp/'
dataset_info = dict(
    dataset_name='lsp',
    joint_weights=[
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
        1.0,
    ],
    keypoint_info=dict(
        {
            0: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=0,
                name='right_ankle',
                swap='left_ankle',
                type='lower',
            ),
            1: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=1,
                name='right_knee',
                swap='left_knee',
                type='lower',
            ),
            10: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=10,
                name='left_elbow',
                swap='right_elbow',
                type='upper',
            ),
            11: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=11,
                name='left_wrist',
                swap='right_wrist',
                type='upper',
            ),
            12: dict(
                color=[
                    51,
                    153,
                    255,
                ],
                id=12,
                name='upper_neck',
                swap='',
                type='upper',
            ),
            13: dict(
                color=[
                    51,
                    153,
                    255,
                ],
                id=13,
                name='head_top',
                swap='',
                type='upper',
            ),
            2: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=2,
                name='right_hip',
                swap='left_hip',
                type='lower',
            ),
            3: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=3,
                name='left_hip',
                swap='right_hip',
                type='lower',
            ),
            4: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=4,
                name='left_knee',
                swap='right_knee',
                type='lower',
            ),
            5: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=5,
                name='left_ankle',
                swap='right_ankle',
                type='lower',
            ),
            6: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=6,
                name='right_wrist',
                swap='left_wrist',
                type='upper',
            ),
            7: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=7,
                name='right_elbow',
                swap='left_elbow',
                type='upper',
            ),
            8: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=8,
                name='right_shoulder',
                swap='left_shoulder',
                type='upper',
            ),
            9: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=9,
                name='left_shoulder',
                swap='right_shoulder',
                type='upper',
            ),
        }
    ),
    sigmas=[
        0.089,
        0.087,
        0.107,
        0.107,
        0.087,
        0.089,
        0.062,
        0.072,
        0.079,
        0.079,
        0.072,
        0.062,
        0.026,
        0.026,
    ],
    skeleton_info=dict(
        {
            0: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=0,
                link=(
                    'right_ankle',
                    'right_knee',
                ),
            ),
            1: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=1,
                link=(
                    'right_knee',
                    'right_hip',
                ),
            ),
            10: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=10,
                link=(
                    'upper_neck',
                    'left_shoulder',
                ),
            ),
            11: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=11,
                link=(
                    'right_hip',
                    'left_hip',
                ),
            ),
            12: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=12,
                link=(
                    'right_shoulder',
                    'right_hip',
                ),
            ),
            13: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=13,
                link=(
                    'left_shoulder',
                    'left_hip',
                ),
            ),
            2: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=2,
                link=(
                    'left_hip',
                    'left_knee',
                ),
            ),
            3: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=3,
                link=(
                    'left_knee',
                    'left_ankle',
                ),
            ),
            4: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=4,
                link=(
                    'right_shoulder',
                    'right_elbow',
                ),
            ),
            5: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=5,
                link=(
                    'right_elbow',
                    'right_wrist',
                ),
            ),
            6: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=6,
                link=(
                    'left_shoulder',
                    'left_elbow',
                ),
            ),
            7: dict(
                color=[
                    0,
                    255,
                    0,
                ],
                id=7,
                link=(
                    'left_elbow',
                    'left_wrist',
                ),
            ),
            8: dict(
                color=[
                    51,
                    153,
                    255,
                ],
                id=8,
                link=(
                    'upper_neck',
                    'head_top',
                ),
            ),
            9: dict(
                color=[
                    255,
                    128,
                    0,
                ],
                id=9,
                link=(
                    'upper_neck',
                    'right_shoulder',
                ),
            ),
        }
    ),
)
dataset_type = 'LspDataset'
default_hooks = dict(
    checkpoint=dict(interval=1, max_keep_ckpts=2, type='AtomicCheckpointHook'),
    logger=dict(interval=50, type='LoggerHook'),
    param_scheduler=dict(
        stages=[
            dict(
                epochs=3,
                lr=0.001,
                name='detector',
                param_scheduler=[
                    dict(by_epoch=False, end=200, start_factor=0.01, type='LinearLR'),
                ],
                trains=[
                    'detector',
                ],
            ),
            dict(
                epochs=1,
                lr=0.002,
                name='refiner',
                param_scheduler=[
                    dict(by_epoch=False, end=200, start_factor=0.01, type='LinearLR'),
                ],
                trains=[
                    'refiner',
                ],
            ),
            dict(
                epochs=24,
                lr=0.001,
                name='joint',
                param_scheduler=[
                    dict(by_epoch=False, end=200, start_factor=0.01, type='LinearLR'),
                ],
                trains=[
                    'detector',
                    'refiner',
                ],
            ),
            dict(
                epochs=12,
                lr=0.001,
                name='finish',
                param_scheduler=[
                    dict(by_epoch=False, end=200, start_factor=0.01, type='LinearLR'),
                    dict(
                        begin=200,
                        by_epoch=False,
                        eta_min_ratio=0.001,
                        type='CosineAnnealingLR',
                    ),
                ],
                trains=[
                    'detector',
                    'refiner',
                ],
            ),
        ],
        type='StagedTrainingHook',
    ),
    runtime_info=dict(type='BatchedRuntimeInfoHook'),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    sync_buffers=dict(type='SyncBuffersHook'),
    timer=dict(type='IterTimerHook'),
    visualization=dict(enable=False, type='PoseVisualizationHook'),
)
default_scope = 'mmpose'
env_cfg = dict(
    cudnn_benchmark=True,
    dist_cfg=dict(backend='nccl'),
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
)
find_unused_parameters = True
heatmap_size = (
    48,
    48,
)
input_size = (
    192,
    192,
)
load_from = None
log_level = 'INFO'
log_processor = dict(by_epoch=True, type='LogProcessor', window_size=50)
model = dict(
    backbone=dict(
        frozen_modules=(
            'conv_stem',
            'bn1',
            'blocks.0',
            'blocks.1',
        ),
        init_cfg=dict(type='EfficientNetLiteInit'),
        model_name='tf_efficientnet_lite0',
        out_indices=(
            1,
            2,
            3,
            4,
        ),
        type='TIMMBackbone',
    ),
    data_preprocessor=dict(
        bgr_to_rgb=True,
        mean=[
            127.5,
            127.5,
            127.5,
        ],
        std=[
            127.5,
            127.5,
            127.5,
        ],
        type='PoseDataPreprocessor',
    ),
    head=dict(
        detector=dict(
            in_channels=(
                152,
                40,
                112,
                320,
            ),
            prior=0.01,
            stride=4,
            type='FCNPartDetectorHead',
        ),
        detector_codec=dict(
            radius=2.5,
            type='BinaryDisc',
            visibility=dict(
                bias=[
                    0.625,
                    0.645,
                    0.64,
                    0.013,
                    0.024,
                    0.31,
                    0.383,
                    0.188,
                    -0.406,
                    -1.064,
                    -0.465,
                    0.234,
                    0.572,
                    0.454,
                ],
                mass=2.139,
                peak=0.674,
            ),
        ),
        heatmap_size=(
            48,
            48,
        ),
        input_size=(
            192,
            192,
        ),
        loss_detector=dict(type='SigmoidCrossEntropyLoss'),
        loss_refiner=dict(loss_weight=20.0, type='ConfidenceMSELoss'),
        out_channels=14,
        refiner=dict(
            blocks=1, depth=3, graph='paper', type='HourglassRefiner', width=64
        ),
        refiner_codec=dict(refinement='taylor', sigma=1.25, type='GaussianConfidence'),
        type='CascadeHeatmapRegressionHead',
    ),
    neck=dict(
        in_channels=(
            24,
            40,
            112,
            320,
        ),
        type='FusionNeck',
    ),
    test_cfg=dict(flip_test=True),
    type='CascadePoseEstimator',
)
optim_wrapper = dict(optimizer=dict(lr=0.001, type='AdamW', weight_decay=0.01))
randomness = dict(seed=0)
resume = False
test_cfg = dict()
test_dataloader = dict(
    batch_size=32,
    dataset=dict(
        ann_file='annotations/lsp_test.json',
        data_prefix=dict(img='images/'),
        data_root='data/lsp/',
        joints='lsp14',
        pipeline=[
            dict(type='CheckedLoadImage'),
            dict(type='GetBBoxCenterScale'),
            dict(
                input_size=(
                    192,
                    192,
                ),
                type='TopdownAffine',
            ),
            dict(type='PackCascadeInputs'),
        ],
        test_mode=True,
        type='LspDataset',
    ),
    num_workers=1,
    persistent_workers=True,
    sampler=dict(round_up=False, shuffle=False, type='DefaultSampler'),
)
test_evaluator = dict(type='LspPCKAccuracy')
test_pipeline = [
    dict(type='CheckedLoadImage'),
    dict(type='GetBBoxCenterScale'),
    dict(
        input_size=(
            192,
            192,
        ),
        type='TopdownAffine',
    ),
    dict(type='PackCascadeInputs'),
]
train_cfg = dict(by_epoch=True, max_epochs=40, val_interval=5)
train_dataloader = dict(
    batch_size=32,
    collate_fn=dict(type='stack_inputs'),
    dataset=dict(
        datasets=[
            dict(
                ann_file='annotations/lsp_train.json',
                data_prefix=dict(img='images/'),
                data_root='data/lsp/',
                indices=800,
                joints='lsp14',
                pipeline=[],
                type='LspDataset',
            ),
            dict(
                ann_file='annotations/lsp_train.json',
                data_prefix=dict(img='images/'),
                data_root='data/lsp/',
                indices=800,
                joints='lsp14',
                pipeline=[],
                type='LspDataset',
            ),
            dict(
                ann_file='annotations/lspet_train.json',
                data_prefix=dict(img='images/'),
                data_root='data/lsp/',
                joints='lsp14',
                pipeline=[],
                type='LspetDataset',
            ),
        ],
        metainfo=dict(
            dataset_name='lsp',
            joint_weights=[
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
                1.0,
            ],
            keypoint_info=dict(
                {
                    0: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=0,
                        name='right_ankle',
                        swap='left_ankle',
                        type='lower',
                    ),
                    1: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=1,
                        name='right_knee',
                        swap='left_knee',
                        type='lower',
                    ),
                    10: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=10,
                        name='left_elbow',
                        swap='right_elbow',
                        type='upper',
                    ),
                    11: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=11,
                        name='left_wrist',
                        swap='right_wrist',
                        type='upper',
                    ),
                    12: dict(
                        color=[
                            51,
                            153,
                            255,
                        ],
                        id=12,
                        name='upper_neck',
                        swap='',
                        type='upper',
                    ),
                    13: dict(
                        color=[
                            51,
                            153,
                            255,
                        ],
                        id=13,
                        name='head_top',
                        swap='',
                        type='upper',
                    ),
                    2: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=2,
                        name='right_hip',
                        swap='left_hip',
                        type='lower',
                    ),
                    3: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=3,
                        name='left_hip',
                        swap='right_hip',
                        type='lower',
                    ),
                    4: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=4,
                        name='left_knee',
                        swap='right_knee',
                        type='lower',
                    ),
                    5: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=5,
                        name='left_ankle',
                        swap='right_ankle',
                        type='lower',
                    ),
                    6: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=6,
                        name='right_wrist',
                        swap='left_wrist',
                        type='upper',
                    ),
                    7: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=7,
                        name='right_elbow',
                        swap='left_elbow',
                        type='upper',
                    ),
                    8: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=8,
                        name='right_shoulder',
                        swap='left_shoulder',
                        type='upper',
                    ),
                    9: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=9,
                        name='left_shoulder',
                        swap='right_shoulder',
                        type='upper',
                    ),
                }
            ),
            sigmas=[
                0.089,
                0.087,
                0.107,
                0.107,
                0.087,
                0.089,
                0.062,
                0.072,
                0.079,
                0.079,
                0.072,
                0.062,
                0.026,
                0.026,
            ],
            skeleton_info=dict(
                {
                    0: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=0,
                        link=(
                            'right_ankle',
                            'right_knee',
                        ),
                    ),
                    1: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=1,
                        link=(
                            'right_knee',
                            'right_hip',
                        ),
                    ),
                    10: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=10,
                        link=(
                            'upper_neck',
                            'left_shoulder',
                        ),
                    ),
                    11: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=11,
                        link=(
                            'right_hip',
                            'left_hip',
                        ),
                    ),
                    12: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=12,
                        link=(
                            'right_shoulder',
                            'right_hip',
                        ),
                    ),
                    13: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=13,
                        link=(
                            'left_shoulder',
                            'left_hip',
                        ),
                    ),
                    2: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=2,
                        link=(
                            'left_hip',
                            'left_knee',
                        ),
                    ),
                    3: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=3,
                        link=(
                            'left_knee',
                            'left_ankle',
                        ),
                    ),
                    4: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=4,
                        link=(
                            'right_shoulder',
                            'right_elbow',
                        ),
                    ),
                    5: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=5,
                        link=(
                            'right_elbow',
                            'right_wrist',
                        ),
                    ),
                    6: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=6,
                        link=(
                            'left_shoulder',
                            'left_elbow',
                        ),
                    ),
                    7: dict(
                        color=[
                            0,
                            255,
                            0,
                        ],
                        id=7,
                        link=(
                            'left_elbow',
                            'left_wrist',
                        ),
                    ),
                    8: dict(
                        color=[
                            51,
                            153,
                            255,
                        ],
                        id=8,
                        link=(
                            'upper_neck',
                            'head_top',
                        ),
                    ),
                    9: dict(
                        color=[
                            255,
                            128,
                            0,
                        ],
                        id=9,
                        link=(
                            'upper_neck',
                            'right_shoulder',
                        ),
                    ),
                }
            ),
        ),
        pipeline=[
            dict(type='GetBBoxCenterScale'),
            dict(type='RandomMirror'),
            dict(
                rotation=45.0,
                scale=(
                    0.75,
                    1.25,
                ),
                type='RandomScaleRotation',
            ),
            dict(
                input_size=(
                    192,
                    192,
                ),
                type='LoadPersonCrop',
            ),
            dict(copy_prob=0.25, max_hidden=2, prob=0.5, type='KeypointMasking'),
            dict(meta_keys=('img_path',), type='PackCascadeInputs'),
        ],
        type='CombinedDataset',
    ),
    num_workers=1,
    persistent_workers=True,
    sampler=dict(shuffle=True, type='DefaultSampler'),
)
train_pipeline = [
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomMirror'),
    dict(
        rotation=45.0,
        scale=(
            0.75,
            1.25,
        ),
        type='RandomScaleRotation',
    ),
    dict(
        input_size=(
            192,
            192,
        ),
        type='LoadPersonCrop',
    ),
    dict(copy_prob=0.25, max_hidden=2, prob=0.5, type='KeypointMasking'),
    dict(meta_keys=('img_path',), type='PackCascadeInputs'),
]
val_cfg = dict()
val_dataloader = dict(
    batch_size=32,
    dataset=dict(
        ann_file='annotations/lsp_train.json',
        data_prefix=dict(img='images/'),
        data_root='data/lsp/',
        indices=-200,
        joints='lsp14',
        pipeline=[
            dict(type='CheckedLoadImage'),
            dict(type='GetBBoxCenterScale'),
            dict(
                input_size=(
                    192,
                    192,
                ),
                type='TopdownAffine',
            ),
            dict(type='PackCascadeInputs'),
        ],
        test_mode=True,
        type='LspDataset',
    ),
    num_workers=1,
    persistent_workers=True,
    sampler=dict(round_up=False, shuffle=False, type='DefaultSampler'),
)
val_evaluator = dict(type='LspPCKAccuracy')
visualizer = dict(
    name='visualizer',
    type='CascadeVisualizer',
    vis_backends=[
        dict(type='LocalVisBackend'),
    ],
)
