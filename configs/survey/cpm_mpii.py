# MMPose's Convolutional Pose Machines (Wei et al., CVPR 2016) on MPII as this project
# reads and scores it.
_base_ = [
    'mmpose::body_2d_keypoint/topdown_heatmap/mpii/td-hm_cpm_8xb64-210e_mpii-368x368.py',
    '_mpii.py',
]
dataset_type = 'MpiiPartDataset'
default_hooks = dict(checkpoint=dict(save_best='mpii/Total'))

train_dataloader = dict(dataset=dict(_base_.mpii_train, pipeline=_base_.train_pipeline))
val_dataloader = dict(dataset=dict(_base_.mpii_test, pipeline=_base_.val_pipeline))
test_dataloader = val_dataloader
val_evaluator = dict(_delete_=True, type='MpiiPCKhAccuracy')
test_evaluator = val_evaluator
