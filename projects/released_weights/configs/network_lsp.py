# The network of human_pose_lsp.t7 as it is, for inference, where it is not the cascade
# of cascade_lsp.py. The checkpoint comes from convert.py --as-is; the file says how
# the layers are connected.
_base_ = './cascade_lsp.py'
custom_imports = dict(imports=['projects.released_weights'])

model = dict(
    _delete_=True,
    type='TopdownPoseEstimator',
    data_preprocessor=dict(
        type='PoseDataPreprocessor',
        mean=[0.0, 0.0, 0.0],
        std=[255.0, 255.0, 255.0],
        bgr_to_rgb=True,
    ),
    backbone=dict(type='Torch7Network', file='human_pose_lsp.t7'),
    head=dict(
        type='ConfidenceHead',
        out_channels=16,
        decoder=dict(
            type='PositiveConfidence', input_size=(256, 256), heatmap_size=(256, 256)
        ),
    ),
    test_cfg=dict(flip_test=True),
)
