# Another detector: MobileNetV2, its last map (stride 32) scored at stride 8.
_base_ = 'phr_res152_mpii.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='MobileNetV2',
        out_indices=(7,),
        init_cfg=dict(type='Pretrained', checkpoint='mmcls://mobilenet_v2'),
    ),
    head=dict(detector=dict(in_channels=1280)),
)
