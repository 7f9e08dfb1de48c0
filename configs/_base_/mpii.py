# MPII Human Pose, prepared by tools/prepare_mpii.py into data/mpii.
_base_ = './loaders.py'
dataset_type = 'MpiiPartDataset'
data_mode = 'topdown'
data_root = 'data/mpii/'

_mpii = dict(type=dataset_type, data_root=data_root, data_prefix=dict(img='images/'))
train_dataloader = dict(dataset=dict(_mpii, ann_file='annotations/mpii_train.json'))
val_dataloader = dict(dataset=dict(_mpii, ann_file='annotations/mpii_val.json'))
test_dataloader = val_dataloader
val_evaluator = dict(type='MpiiPCKhAccuracy')
test_evaluator = val_evaluator
