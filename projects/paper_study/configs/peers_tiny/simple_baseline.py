# SimpleBaseline (Xiao et al., ECCV 2018): a residual network of half ResNet-18's width,
# then three deconvolutions.
_base_ = '_mmpose.py'
row = dict(place=1, title='SimpleBaseline')
model = dict(
    backbone=dict(type='ResNet', depth=18, base_channels=32, stem_channels=32),
    head=dict(
        type='HeatmapHead',
        in_channels=256,
        out_channels=14,
        deconv_out_channels=(64, 64, 64),
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        decoder=_base_.codec,
    ),
    # The accuracy of each training batch costs more time than it is worth.
    train_cfg=dict(compute_acc=False),
)
train_dataloader = dict(
    dataset=dict(
        pipeline=[
            *_base_.augmentation,
            dict(type='GenerateTarget', encoder=model['head']['decoder']),
            dict(type='PackPoseInputs'),
        ]
    )
)
