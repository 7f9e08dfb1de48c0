# A cascade for two CPU cores: the paper's structure at 96 px. A ResNet-18 of
# width 32 at stride 16; its last three levels are scored together at stride 8
# (as the paper's VGG variant combines levels), since 6 x 6 cells alone are too
# coarse; the regressor in the graph of Table 4; maps at half the input. Targets at
# this size are narrower than the cells that are scored: hence the merged scores.
_base_ = './cascade_res152.py'
input_size = (96, 96)
train_pipeline = [
    dict(t, input_size=input_size) if 'input_size' in t else t
    for t in _base_.train_pipeline
]
test_pipeline = [
    dict(t, input_size=input_size) if 'input_size' in t else t
    for t in _base_.test_pipeline
]

model = dict(
    backbone=dict(
        depth=18,
        base_channels=32,
        stem_channels=32,
        out_indices=(1, 2, 3),
        init_cfg=dict(type='Kaiming', layer='Conv2d', _delete_=True),
    ),
    neck=dict(type='FeatureMapProcessor', concat=True, select_index=(0, 1, 2)),
    head=dict(
        input_size=input_size,
        heatmap_size=(48, 48),
        detector=dict(in_channels=64 + 128 + 256, prior=0.01, merged=True),
        refiner=dict(graph='paper', width=64, depth=3, blocks=1, merged=True),
        decoder=dict(refinement='taylor'),
        loss_detector=dict(reduction='mean'),
        # Brings the squared error, small on narrow Gaussians, to the scale of the
        # cross entropy.
        loss_refiner=dict(reduction='mean', loss_weight=20.0),
    ),
)
