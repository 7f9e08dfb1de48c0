# Two narrow hourglasses on LSP's training half and the extended training set, in
# LSP's 14 joints: for a CPU, beside phr_tiny_lsp.
_base_ = [
    '_base_/runtime.py',
    '_base_/hourglass.py',
    '_base_/lsp14.py',
]
input_size = (128, 128)
train_pipeline = [
    dict(type='GetBBoxCenterScale'),
    dict(type='RandomMirror'),
    dict(type='RandomScaleRotation', scale=(0.8, 1.25), rotation=40.0),
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
    backbone=dict(num_stacks=2, out_channels=14, feat_channels=64, depth=3),
    head=dict(
        input_size=input_size,
        heatmap_size=(32, 32),
        out_channels=14,
        # Cells are coarse here.
        detector_codec=dict(refinement='taylor'),
    ),
)

# As many epochs as phr_tiny_lsp has in all its stages.
default_hooks = dict(
    param_scheduler=dict(
        type='StagedTrainingHook',
        stages=[
            dict(
                name='detector',
                trains=['detector'],
                epochs=23,
                lr=2e-3,
                param_scheduler=[
                    dict(type='LinearLR', start_factor=0.01, by_epoch=False, end=200),
                    dict(
                        type='CosineAnnealingLR',
                        eta_min_ratio=0.001,
                        by_epoch=False,
                        begin=200,
                    ),
                ],
            )
        ],
    )
)
train_cfg = dict(max_epochs=23)
optim_wrapper = dict(optimizer=dict(type='AdamW', lr=2e-3, weight_decay=0.01))
auto_scale_lr = dict(base_batch_size=32)

train_dataloader = dict(dataset=dict(pipeline=train_pipeline))
val_dataloader = dict(dataset=dict(pipeline=test_pipeline))
test_dataloader = val_dataloader
