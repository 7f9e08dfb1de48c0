# MMPose's SimpleBaseline (Xiao et al., ECCV 2018), ResNet-50, on MPII as this project
# reads and scores it.
_base_ = [
    'mmpose::body_2d_keypoint/topdown_heatmap/mpii/td-hm_res50_8xb64-210e_mpii-256x256.py',
    '_mpii.py',
]
dataset_type = 'MpiiPartDataset'
# The accuracy of each training batch costs more time than it is worth.
model = dict(train_cfg=dict(compute_acc=False))
default_hooks = dict(checkpoint=dict(save_best='mpii/Total'))

train_dataloader = dict(dataset=dict(_base_.mpii_train, pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(_base_.mpii_test, pipeline=_base_.val_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='MpiiPCKhAccuracy')
test_evaluator = val_evaluator
