# Convolutional Pose Machines (Wei et al., CVPR 2016), narrow, of three stages.
_base_ = '_mmpose.py'
custom_imports = dict(imports=['phr_mmpose', 'projects.paper_study.narrow_cpm'])
row = dict(place=2, title='Convolutional Pose Machine')
model = dict(
    backbone=dict(type='NarrowCPM', in_channels=3, out_channels=14, num_stages=3),
    head=dict(
        type='CPMHead',
        in_channels=14,
        out_channels=14,
        num_stages=3,
        deconv_out_channels=None,
        final_layer=None,
        loss=dict(type='KeypointMSELoss', use_target_weight=True),
        decoder=dict(_base_.codec, heatmap_size=(16, 16)),
    ),
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
