# A model of MMPose in the place of the tiny hourglasses: its estimator, head, targets,
# loss and decoding, with their data, augmentation, optimizer and schedule. A row's own
# targets end its pipeline.
_base_ = [
    '../../../../configs/hourglass_tiny_lsp.py',
    '../../../../configs/_base_/lsp14_held_out.py',
]
# DarkPose's decoding, since cells are coarse here; the kernel is MMPose's for sigma 1.
codec = dict(
    type='MSRAHeatmap',
    input_size=_base_.input_size,
    heatmap_size=(32, 32),
    sigma=1,
    unbiased=True,
    blur_kernel_size=3,
)
model = dict(
    _delete_=True,
    type='TopdownPoseEstimator',
    data_preprocessor=_base_.model.data_preprocessor,
    test_cfg=dict(flip_test=True, flip_mode='heatmap', shift_heatmap=True),
)
augmentation = _base_.train_pipeline[:-1]
train_dataloader = dict(dataset=dict(datasets=_base_.training_sets))
val_dataloader = dict(
    dataset=dict(
        _base_.held_out,
        pipeline=[*_base_.test_pipeline[:-1], dict(type='PackPoseInputs')],
    )
)
test_dataloader = dict(dataset=dict(pipeline=val_dataloader['dataset']['pipeline']))
_stage = _base_.default_hooks.param_scheduler.stages[0]
default_hooks = dict(
    param_scheduler=dict(stages=[dict(_stage, name='all', trains=['backbone', 'head'])])
)
