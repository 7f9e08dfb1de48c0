# The network that the authors' published weights are for, and their demo's way of
# using it (README.md of this project): one deconvolution of the detector from stride 16
# to the input's resolution, pictures as RGB from 0 to 1, heatmaps of the picture and
# its mirror image averaged without a shift, negative values zeroed, plain arg-max.
_base_ = '../../../../configs/_base_/cascade_res152.py'

model = dict(
    data_preprocessor=dict(mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0]),
    backbone=dict(init_cfg=None),
    head=dict(
        detector=dict(deconv_stride=16), refiner_codec=dict(type='PositiveConfidence')
    ),
    test_cfg=dict(flip_test=True, shift_heatmap=False),
)
