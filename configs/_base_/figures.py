# Figures that the project draws itself: no download; train and test are two seeds.
dataset_type = 'FigureDataset'
data_mode = 'topdown'

train_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type=dataset_type, num=4000, seed=0, image_size=112, cache=True),
)
val_dataloader = dict(
    batch_size=32,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type=dataset_type,
        num=500,
        seed=1,
        image_size=112,
        cache=True,
        test_mode=True,
    ),
)
test_dataloader = val_dataloader
val_evaluator = dict(type='MpiiPCKhAccuracy')
test_evaluator = val_evaluator
