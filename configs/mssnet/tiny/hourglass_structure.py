# + structure-aware loss, of all stacks and sizes and of the regression.
_base_ = 'hourglass_regression.py'
row = dict(place=4, title='+ structure-aware loss')
_loss = dict(
    type='StructureAwareLoss',
    metainfo=_base_.dataset_info,
    loss=_base_.model.head.loss_detector,
    _delete_=True,
)
model = dict(head=dict(loss_detector=_loss, loss_refiner=_loss))
