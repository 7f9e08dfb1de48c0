# Figures that the project draws itself: no download; train and test are two seeds.
_base_ = './loaders.py'
dataset_type = 'FigureDataset'
data_mode = 'topdown'
# Read by MMPose's browse_dataset.py, which otherwise looks for pictures on the disk.
backend_args = dict(backend='figures')

_figures = dict(type=dataset_type, image_size=112, cache=True)
train_dataloader = dict(num_workers=1, dataset=dict(_figures, num=4000, seed=0))
val_dataloader = dict(num_workers=1, dataset=dict(_figures, num=500, seed=1))
test_dataloader = val_dataloader
val_evaluator = dict(type='MpiiPCKhAccuracy')
test_evaluator = val_evaluator
