# The cascade with both.
_base_ = 'cascade_masking.py'
row = dict(place=9, title='Cascade + both')
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
