# What every run needs, whatever the model and the data.
default_scope = 'mmpose'
custom_imports = dict(imports=['phr_mmpose'], allow_failed_imports=False)

randomness = dict(seed=0)
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    dist_cfg=dict(backend='nccl'),
)
# Stages drop frozen sub-modules out of the graph.
find_unused_parameters = True

default_hooks = dict(
    runtime_info=dict(type='BatchedRuntimeInfoHook'),
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    # MMEngine's, safe from a kill at any moment.
    checkpoint=dict(type='AtomicCheckpointHook', interval=1, max_keep_ckpts=2),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # Here and not in custom_hooks, which a config replaces as a whole.
    sync_buffers=dict(type='SyncBuffersHook'),
    # Draws predictions where --show-dir is given to MMPose's train.py or test.py.
    visualization=dict(type='PoseVisualizationHook', enable=False),
)
train_cfg = dict(by_epoch=True, val_interval=5)
val_cfg = dict()
test_cfg = dict()

visualizer = dict(
    # Draws inferred keypoints hollow, which PoseLocalVisualizer leaves out.
    type='CascadeVisualizer',
    vis_backends=[dict(type='LocalVisBackend')],
    name='visualizer',
)
log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)
log_level = 'INFO'
load_from = None
resume = False
