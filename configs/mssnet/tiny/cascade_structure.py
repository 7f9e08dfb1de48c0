# The cascade with the structure-aware loss in its refiner. Its detector is to tell the
# visible joints one by one.
_base_ = 'cascade.py'
row = dict(place=7, title='Cascade + structure-aware loss')
model = dict(
    head=dict(
        loss_refiner=dict(
            _delete_=True,
            type='StructureAwareLoss',
            metainfo=_base_.dataset_info,
            loss=_base_.model.head.loss_refiner,
        )
    )
)
