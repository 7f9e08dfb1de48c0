# MPII as this project reads it, for configs that inherit from MMPose's own.
custom_imports = dict(imports=['phr_mmpose'], allow_failed_imports=False)
_mpii = dict(
    _delete_=True,
    type='MpiiPartDataset',
    data_root='data/mpii/',
    data_prefix=dict(img='images/'),
)
mpii_train = dict(_mpii, ann_file='annotations/mpii_train.json')
mpii_test = dict(_mpii, ann_file='annotations/mpii_val.json', test_mode=True)
