# Table 5, row 2: row 1 with both parts in the paper's VGG-FCN form, made narrow. From
# random weights, so with batch normalisation.
_base_ = 'detection_regression_res.py'
row = dict(place=2, title='Part heatmap regression (VGG)')
model = dict(
    backbone=dict(
        _delete_=True,
        type='FullyConvolutionalVGG',
        width=8,
        hidden=128,
        kernel=3,
        dropout=0.0,
        batch_norm=True,
    ),
    neck=None,
    head=dict(
        detector=dict(
            _delete_=True,
            type='FCNPartDetectorHead',
            in_channels=(32, 64, 128),
            prior=0.01,
        ),
        refiner=dict(
            _delete_=True,
            type='ConvRefiner',
            widths=(8, 8, 16, 32, 64, 64),
            kernels=(5, 7, 7, 9, 1, 1),
            init='kaiming',
            batch_norm=True,
        ),
    ),
)
