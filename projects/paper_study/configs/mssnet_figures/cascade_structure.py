_base_ = ['../../../../configs/mssnet/tiny/cascade_structure.py', '_figures.py']
model = dict(head=dict(out_channels=16, loss_refiner=dict(metainfo='FigureDataset')))
train_dataloader = dict(
    batch_size=_base_.batch_size,
    dataset=dict(
        _base_.figures_train, pipeline=_base_.train_dataloader.dataset.pipeline
    ),
)
val_dataloader = dict(
    dataset=dict(_base_.figures_test, pipeline=_base_.val_dataloader.dataset.pipeline)
)
test_dataloader = val_dataloader
val_evaluator = test_evaluator = _base_.evaluator
